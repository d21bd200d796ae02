// An XKS proxy in Go's standard library alone.
//
// README.md beside this folder says what the environment holds.
package main

import (
	"log/slog"
	"net/http"
	"os"
	"strings"
)

var wrong = os.Getenv("XKS_WRONG")

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	credentials := map[string]string{}
	for _, pair := range strings.Split(os.Getenv("XKS_CREDENTIALS"), ",") {
		id, secret, _ := strings.Cut(pair, ":")
		credentials[id] = secret
	}
	server := http.Server{
		Addr:    "127.0.0.1:" + os.Getenv("XKS_PORT"),
		Handler: routes(os.Getenv("XKS_URI_PATH"), credentials, keyManager()),
	}
	err := server.ListenAndServeTLS(os.Getenv("XKS_CERTIFICATE"), os.Getenv("XKS_PRIVATE_KEY"))
	slog.Error("stopped", "error", err)
	os.Exit(1)
}

func routes(uriPath string, credentials map[string]string, keys map[string]*externalKey) http.Handler {
	// Patterns that name the method have ServeMux answer a GET with 405, as
	// "API operations" asks.
	method := "POST "
	if wrong == "any-method" {
		method = ""
	}
	mux := http.NewServeMux()
	onKey := func(operation func(*externalKey, []byte) (any, error)) http.HandlerFunc {
		return handler(credentials, func(r *http.Request, body []byte) (any, error) {
			key, found := keys[r.PathValue("key")]
			if !found {
				return nil, refused("KeyNotFoundException", "There is no such key.")
			}
			return operation(key, body)
		})
	}
	mux.HandleFunc(method+uriPath+"/health", handler(credentials, getHealthStatus))
	mux.HandleFunc(method+uriPath+"/keys/{key}/metadata", onKey(getKeyMetadata))
	mux.HandleFunc(method+uriPath+"/keys/{key}/encrypt", onKey(encrypt))
	mux.HandleFunc(method+uriPath+"/keys/{key}/decrypt", onKey(decrypt))
	mux.HandleFunc(method+"/", handler(credentials, invalidUriPath))
	// For load balancers ("Load balancer health checks").
	mux.HandleFunc("GET /ping", func(w http.ResponseWriter, r *http.Request) {})
	return mux
}

func invalidUriPath(*http.Request, []byte) (any, error) {
	return nil, refused("InvalidUriPathException", "There is no such path.")
}

func getHealthStatus(*http.Request, []byte) (any, error) {
	return map[string]any{
		"xksProxyFleetSize": 1,
		"xksProxyVendor":    "Example",
		"xksProxyModel":     "Go net/http proxy 1.0",
		"ekmVendor":         "Example",
		"ekmFleetDetails": []map[string]string{
			{"id": "memory", "model": "In memory 1.0", "healthStatus": "ACTIVE"},
		},
	}, nil
}
