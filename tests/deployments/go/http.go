package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

const maxBody = 1 << 20

// The status of each error name that this proxy returns ("Error codes").
var statuses = map[string]int{
	"ValidationException":           400,
	"InvalidStateException":         400,
	"InvalidCiphertextException":    400,
	"InvalidKeyUsageException":      400,
	"AuthenticationFailedException": 401,
	"KeyNotFoundException":          404,
	"InvalidUriPathException":       404,
	"InternalException":             500,
	"UnsupportedOperationException": 501,
}

type xksError struct {
	Name    string `json:"errorName"`
	Message string `json:"errorMessage"`
}

func (e *xksError) Error() string { return e.Name + ": " + e.Message }

func refused(name, message string) error { return &xksError{name, message} }

// requestMetadata is what is logged of a request ("Logging").
type requestMetadata struct {
	AwsPrincipalArn string `json:"awsPrincipalArn"`
	KmsKeyArn       string `json:"kmsKeyArn"`
	KmsOperation    string `json:"kmsOperation"`
	KmsRequestId    string `json:"kmsRequestId"`
}

// handler authenticates, operates, answers and logs.
func handler(credentials map[string]string, operate func(*http.Request, []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		body, answer, err := served(w, r, credentials, operate)
		if err != nil {
			var known *xksError
			if !errors.As(err, &known) {
				slog.Error("unexpected", "error", err)
				known = &xksError{"InternalException", ""}
			}
			writeError(w, known)
		} else {
			writeJSON(w, http.StatusOK, answer)
		}
		logged(r, body, err, time.Since(begin))
	}
}

func served(
	w http.ResponseWriter, r *http.Request, credentials map[string]string,
	operate func(*http.Request, []byte) (any, error),
) ([]byte, any, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, nil, refused("UnsupportedOperationException", "The body is too large.")
	}
	if err := authenticate(r, body, credentials, time.Now()); err != nil {
		return nil, nil, err
	}
	answer, err := operate(r, body)
	return body, answer, err
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if wrong == "cut-body" {
		return io.ReadAll(io.LimitReader(r.Body, 8192))
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
}

func writeJSON(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(document)
}

func writeError(w http.ResponseWriter, e *xksError) {
	if wrong == "http-error" {
		text, _ := json.Marshal(e)
		http.Error(w, string(text), statuses[e.Name])
		return
	}
	writeJSON(w, statuses[e.Name], e)
}

func logged(r *http.Request, body []byte, err error, duration time.Duration) {
	var request struct {
		RequestMetadata requestMetadata `json:"requestMetadata"`
	}
	json.Unmarshal(body, &request) // without a body that was authentic, nothing
	outcome := "success"
	if err != nil {
		outcome = err.Error()
	}
	slog.Info("request", "path", r.URL.Path, "outcome", outcome,
		"duration", duration, "metadata", request.RequestMetadata)
	if wrong == "log-body" {
		slog.Info("debug", "body", string(body))
	}
}
