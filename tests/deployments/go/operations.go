package main

import (
	"bytes"
	"encoding/json"
)

// Members of type []byte are Base64, and nil where they are absent or null.
type request struct {
	// A pointer, since the text `null` leaves every struct as it is.
	RequestMetadata      *requestMetadata `json:"requestMetadata"`
	EncryptionAlgorithm  string           `json:"encryptionAlgorithm"`
	Plaintext            []byte           `json:"plaintext"`
	AAD                  []byte           `json:"additionalAuthenticatedData"`
	CDIVAlgorithm        *string          `json:"ciphertextDataIntegrityValueAlgorithm"`
	Ciphertext           []byte           `json:"ciphertext"`
	CiphertextMetadata   []byte           `json:"ciphertextMetadata"`
	InitializationVector []byte           `json:"initializationVector"`
	AuthenticationTag    []byte           `json:"authenticationTag"`
}

type encryptResponse struct {
	sealed
	CDIV []byte `json:"ciphertextDataIntegrityValue,omitempty"`
}

func parse(body []byte) (*request, error) {
	var parsed request
	if err := json.Unmarshal(body, &parsed); err != nil {
		return nil, refused("ValidationException", "The body is malformed.")
	}
	if parsed.RequestMetadata == nil && wrong != "null-body" {
		return nil, refused("ValidationException", "requestMetadata is missing.")
	}
	return &parsed, nil
}

func getKeyMetadata(key *externalKey, body []byte) (any, error) {
	if _, err := parse(body); err != nil {
		return nil, err
	}
	status := "ENABLED"
	if key.disabled {
		status = "DISABLED"
	}
	return map[string]any{"keySpec": "AES_256", "keyUsage": key.usage, "keyStatus": status}, nil
}

func encrypt(key *externalKey, body []byte) (any, error) {
	request, err := parseFor("ENCRYPT", key, body)
	if err != nil {
		return nil, err
	}
	if request.Plaintext == nil {
		return nil, refused("ValidationException", "plaintext is missing.")
	}
	if request.CDIVAlgorithm != nil && *request.CDIVAlgorithm != "SHA_256" {
		return nil, refused("ValidationException", "Only SHA_256 is supported.")
	}
	result := key.seal(request.Plaintext, request.AAD)
	if request.CDIVAlgorithm == nil {
		return encryptResponse{sealed: result}, nil
	}
	// The value first, then the test decryption (Appendix C).
	cdiv := integrityValue(result, request.AAD)
	if plaintext, err := key.open(result, request.AAD); err != nil || !bytes.Equal(plaintext, request.Plaintext) {
		return nil, refused("InternalException", "The ciphertext does not decrypt.")
	}
	return encryptResponse{result, cdiv}, nil
}

func decrypt(key *externalKey, body []byte) (any, error) {
	request, err := parseFor("DECRYPT", key, body)
	if err != nil {
		return nil, err
	}
	plaintext, err := key.open(sealed{
		Ciphertext:           request.Ciphertext,
		CiphertextMetadata:   request.CiphertextMetadata,
		InitializationVector: request.InitializationVector,
		AuthenticationTag:    request.AuthenticationTag,
	}, request.AAD)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"plaintext": plaintext}, nil
}

func parseFor(usage string, key *externalKey, body []byte) (*request, error) {
	request, err := parse(body)
	if err != nil {
		return nil, err
	}
	if request.EncryptionAlgorithm != "AES_GCM" {
		return nil, refused("ValidationException", "Only AES_GCM is supported.")
	}
	if len(request.AAD) > 65535 { // its length is framed in two bytes
		return nil, refused("UnsupportedOperationException", "There are too many additional data.")
	}
	return request, key.permits(usage)
}
