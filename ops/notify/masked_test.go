package notify

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"opsdeck/internal/config"
)

// TestNoSecretIsSent: whoever made the message, a webhook gets none, and gets JSON.
func TestNoSecretIsSent(t *testing.T) {
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
	}))
	defer srv.Close()
	target, err := New(config.Notify{Name: "x", Kind: "webhook", URLFile: secret(t, srv.URL, 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	const line = `failed: mysql -uroot -pS3cretX9 shop; "pass=S3cretX9" X-Api-Key: S3cretX9`
	alerts, err := json.Marshal([]map[string]any{{"raw": line, "count": 3}})
	if err != nil {
		t.Fatal(err)
	}
	m := Message{Service: "shop", Subject: line, Text: line, Evidence: line, Alerts: alerts,
		Labels: map[string]string{"line": line}}
	if err := target.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "S3cretX9") || !json.Valid(body) ||
		strings.Count(string(body), "mysql -uroot -p") != 5 {
		t.Errorf("sent %s", body)
	}
	if shown := target.Preview(m); strings.Contains(shown, "S3cretX9") {
		t.Errorf("shown %s", shown)
	}
}
