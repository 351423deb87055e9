package protocols_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

var verbs = []struct{ verb, body string }{
	{"generateContent", `{"contents":[{"parts":[{"text":"hi"}]}]}`},
	{"streamGenerateContent?alt=sse", `{"contents":[{"parts":[{"text":"hi"}]}]}`},
	{"countTokens", `{"contents":[{"parts":[{"text":"hi"}]}]}`},
	{"embedContent", `{"content":{"parts":[{"text":"hi"}]}}`},
	{"batchEmbedContents", `{"requests":[{"content":{"parts":[{"text":"hi"}]}}]}`},
}

// TestVerbsAskForWhoCalls holds who may do what with each verb, in Google's words.
func TestVerbsAskForWhoCalls(t *testing.T) {
	t.Parallel()
	w := open(t)
	for _, c := range []struct {
		as     string
		status int
		word   string
	}{
		{"", 401, "UNAUTHENTICATED"}, {"tasks-key", 403, "PERMISSION_DENIED"}, {"key", 404, "NOT_FOUND"}, {"user", 404, "NOT_FOUND"},
	} {
		for _, v := range verbs {
			for _, version := range []string{"/v1beta", "/v1"} {
				a := w.Do(t, surfacetest.Request{As: c.as, Method: "POST", Path: version + "/models/no/such:one:" + v.verb, Body: v.body})
				checkGoogles(t, fmt.Sprintf("%s as %q", v.verb, c.as), a, c.status, c.word)
			}
		}
	}
}

func checkGoogles(t *testing.T, what string, a *surfacetest.Answer, status int, word string) {
	t.Helper()
	var e struct {
		Error struct {
			Code    int    `json:"code"`
			Status  string `json:"status"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(a.Body, &e); err != nil || a.Status != status || e.Error.Code != status || e.Error.Status != word || e.Error.Message == "" {
		t.Errorf("%s: %d %s", what, a.Status, a.Body)
	}
}

func TestCredentialsOfGooglesCallers(t *testing.T) {
	t.Parallel()
	w := open(t)
	key := strings.TrimPrefix(w.Authorization("key"), "Bearer ")
	for _, c := range []struct {
		name, query string
		header      map[string]string
		status      int
	}{
		{"header", "", map[string]string{"x-goog-api-key": key}, 200},
		{"query", "?key=" + key, nil, 200},
		{"bearer", "", map[string]string{"Authorization": "bearer " + key}, 200},
		{"all the same", "?key=" + key, map[string]string{"x-goog-api-key": key, "Authorization": "Bearer " + key}, 200},
		{"two in the query", "?key=" + key + "&key=sk-other", nil, 401},
		{"header and query", "?key=" + key, map[string]string{"x-goog-api-key": "sk-other"}, 401},
		{"bearer and header", "", map[string]string{"x-goog-api-key": key, "Authorization": w.Authorization("admin-key")}, 401},
		{"nothing", "?key=", map[string]string{"x-goog-api-key": " "}, 401},
		{"a query that cannot be read", "?key=%zz", nil, 400},
		{"a page that is none", "?pageSize=many", map[string]string{"x-goog-api-key": key}, 400},
		{"a token that is none", "?pageToken=%25", map[string]string{"x-goog-api-key": key}, 400},
	} {
		a := w.Do(t, surfacetest.Request{Method: "GET", Path: "/v1beta/models" + c.query, Header: c.header})
		if a.Status != c.status || strings.Contains(string(a.Body), key) {
			t.Errorf("%s: %d %s", c.name, a.Status, a.Body)
		}
	}
	if strings.Contains(w.Logged.String(), key) {
		t.Error("the log holds a key")
	}
}

func TestWhatGooglesCallersGetWrong(t *testing.T) {
	t.Parallel()
	w := open(t)
	for _, c := range []struct {
		name, method, path, body string
		header                   map[string]string
		status                   int
		word                     string
	}{
		{"another way of streaming", "POST", "/v1beta/models/m:streamGenerateContent?alt=media", verbs[0].body, nil, 400, "INVALID_ARGUMENT"},
		{"an array cannot be repeated", "POST", "/v1beta/models/m:streamGenerateContent", verbs[0].body, map[string]string{"Idempotency-Key": "a"}, 400, "INVALID_ARGUMENT"},
		{"a task", "POST", "/v1/models/m:generateContent", verbs[0].body, map[string]string{"X-Async": "true"}, 400, "INVALID_ARGUMENT"},
		{"another verb", "POST", "/v1/models/m:predict", verbs[0].body, nil, 404, "NOT_FOUND"},
		{"a long name", "POST", "/v1beta/models/" + strings.Repeat("m", 300) + ":generateContent", verbs[0].body, nil, 400, "INVALID_ARGUMENT"},
	} {
		a := w.Do(t, surfacetest.Request{As: "key", Method: c.method, Path: c.path, Body: c.body, Header: c.header})
		checkGoogles(t, c.name, a, c.status, c.word)
	}
	if a := w.Do(t, surfacetest.Request{As: "key", Method: "POST", Path: "/v1/models/m", Body: `{}`}); a.Status != 404 || !strings.Contains(string(a.Body), `"type":"invalid_request_error"`) {
		t.Errorf("models without a verb are OpenAI's: %d %s", a.Status, a.Body)
	}
}
