package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

const tagSize = 16

// externalKey stands for a key in a key manager.
type externalKey struct {
	gcm      cipher.AEAD
	usage    []string
	disabled bool
}

// sealed is a ciphertext with what belongs to it.
type sealed struct {
	Ciphertext           []byte `json:"ciphertext"`
	CiphertextMetadata   []byte `json:"ciphertextMetadata"`
	InitializationVector []byte `json:"initializationVector"`
	AuthenticationTag    []byte `json:"authenticationTag"`
}

func keyManager() map[string]*externalKey {
	return map[string]*externalKey{
		"foo":          newKey("ENCRYPT", "DECRYPT"),
		"bar":          newKey("ENCRYPT", "DECRYPT"),
		"encrypt-only": newKey("ENCRYPT"),
		"decrypt-only": newKey("DECRYPT"),
		"disabled":     {usage: []string{"ENCRYPT", "DECRYPT"}, disabled: true},
	}
}

func newKey(usage ...string) *externalKey {
	block, err := aes.NewCipher(randomBytes(32))
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &externalKey{gcm: gcm, usage: usage}
}

func (key *externalKey) permits(usage string) error {
	if key.disabled {
		return refused("InvalidStateException", "The key is disabled.")
	}
	if !slices.Contains(key.usage, usage) {
		return refused("InvalidKeyUsageException", "The key does not support this.")
	}
	return nil
}

func (key *externalKey) seal(plaintext, aad []byte) sealed {
	metadata := []byte{1} // the version of the framing
	iv := randomBytes(key.gcm.NonceSize())
	// Go appends the tag; the two are separate in the response.
	both := key.gcm.Seal(nil, iv, plaintext, framed(aad, metadata))
	middle := len(both) - tagSize
	return sealed{both[:middle], metadata, iv, both[middle:]}
}

func (key *externalKey) open(s sealed, aad []byte) ([]byte, error) {
	// GCM panics at a vector of another length.
	if len(s.InitializationVector) != key.gcm.NonceSize() || len(s.AuthenticationTag) != tagSize {
		return nil, refused("InvalidCiphertextException", "A part has a wrong length.")
	}
	if s.Ciphertext == nil || len(s.CiphertextMetadata) > 20 {
		return nil, refused("InvalidCiphertextException", "A part is missing or too long.")
	}
	both := slices.Concat(s.Ciphertext, s.AuthenticationTag)
	plaintext, err := key.gcm.Open([]byte{}, s.InitializationVector, both, framed(aad, s.CiphertextMetadata))
	if err != nil {
		return nil, refused("InvalidCiphertextException", "The ciphertext is corrupted.")
	}
	return plaintext, nil
}

// framed is the AAD for the key manager, with lengths ("Encrypt", ciphertextMetadata).
func framed(aad, metadata []byte) []byte {
	data := binary.BigEndian.AppendUint16(nil, uint16(len(aad)))
	data = append(data, aad...)
	data = append(data, byte(len(metadata)))
	return append(data, metadata...)
}

func integrityValue(s sealed, aad []byte) []byte {
	sum := sha256.Sum256(slices.Concat(
		aad, s.CiphertextMetadata, s.InitializationVector, s.Ciphertext, s.AuthenticationTag))
	return sum[:]
}

func randomBytes(count int) []byte {
	data := make([]byte, count)
	if _, err := rand.Read(data); err != nil {
		panic(err)
	}
	return data
}
