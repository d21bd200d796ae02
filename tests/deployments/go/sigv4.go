package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

const recent = 5 * time.Minute

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 ` +
	`Credential=([A-Z2-7]{20,30})/(([0-9]{8})/([a-z0-9-]+)/kms-xks-proxy/aws4_request), *` +
	`SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$`)

// authenticate verifies the signature of a request (Appendix A, tasks 1 to 4).
func authenticate(r *http.Request, body []byte, credentials map[string]string, now time.Time) error {
	failed := refused("AuthenticationFailedException", "The signature is invalid.")
	parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil {
		return failed
	}
	id, scope, date, region, signedHeaders, signature := parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]
	timestamp := r.Header.Get("X-Amz-Date")
	sent, err := time.Parse("20060102T150405Z", timestamp)
	if err != nil || now.Sub(sent).Abs() > recent || date != timestamp[:8] {
		return failed
	}
	names := strings.Split(signedHeaders, ";")
	if !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") {
		return failed
	}
	secret, known := credentials[id]
	if !known {
		return failed
	}
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), r.URL.RawQuery,
		canonicalHeaders(r, names), signedHeaders, hexSHA256(body),
	}, "\n")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", timestamp, scope, hexSHA256([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{date, region, "kms-xks-proxy", "aws4_request", text} {
		key = hmacSHA256(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(key)), []byte(signature)) {
		return failed
	}
	return nil
}

func canonicalHeaders(r *http.Request, names []string) string {
	var lines strings.Builder
	for _, name := range names {
		values := r.Header.Values(name)
		if name == "host" { // Go keeps it elsewhere
			values = []string{r.Host}
		}
		value := strings.Join(values, ",")
		lines.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	return lines.String()
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
