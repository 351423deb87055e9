package fakegemini_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
)

func post(t *testing.T, h http.Handler, path, body string, header ...string) (int, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("X-Goog-Api-Key", fakegemini.DefaultKey)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	body2, _ := io.ReadAll(w.Body)
	return w.Code, string(body2)
}

const (
	generate = "/v1beta/models/gemini-2.5-pro:generateContent"
	three    = "/v1beta/models/gemini-3-pro-preview:generateContent"
	hi       = `"contents":[{"role":"user","parts":[{"text":"hi"}]}]`
)

func TestWhatTheRealOneRefuses(t *testing.T) {
	t.Parallel()
	s := fakegemini.New(fakegemini.Options{})
	calls := func(signature string) string {
		return `{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}` + signature + `}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`
	}
	tool := func(parameters string) string {
		return `{` + hi + `,"tools":[{"functionDeclarations":[{"name":"f","parameters":` + parameters + `}]}]}`
	}
	for _, c := range []struct{ name, path, body, says string }{
		{"unknown member", generate, `{` + hi + `,"stream":true}`, `Unknown name \"stream\"`},
		{"no contents", generate, `{}`, "contents is not specified"},
		{"role", generate, `{"contents":[{"role":"assistant","parts":[{"text":"x"}]}]}`, "valid role"},
		{"no parts", generate, `{"contents":[{"role":"user","parts":[]}]}`, "must not be empty"},
		{"two payloads", generate, `{"contents":[{"parts":[{"text":"x","inlineData":{"mimeType":"a/b","data":"QQ=="}}]}]}`, "oneof"},
		{"results without calls", generate, `{"contents":[{"parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`, "number of function response parts"},
		{"a response that is no object", generate, strings.Replace(calls(""), `"response":{}`, `"response":"x"`, 1), "Struct"},
		{"calls without results", generate, `{"contents":[{"parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]}]}`, "function response turn"},
		{"no signature", three, calls(""), "missing a thought_signature"},
		{"temperature", generate, `{` + hi + `,"generationConfig":{"temperature":3}}`, "range"},
		{"stops", generate, `{` + hi + `,"generationConfig":{"stopSequences":["a","b","c","d","e","f"]}}`, "0 to 5"},
		{"seed", generate, `{` + hi + `,"generationConfig":{"seed":99999999999}}`, "seed"},
		{"budget and level", generate, `{` + hi + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":1,"thinkingLevel":"low"}}}`, "thinking"},
		{"both schemas", generate, `{` + hi + `,"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"string"},"responseJsonSchema":{}}}`, "mutually exclusive"},
		{"schema without JSON", generate, `{` + hi + `,"generationConfig":{"responseSchema":{"type":"string"}}}`, "response_mime_type"},
		{"unknown keyword", generate, tool(`{"type":"object","additionalProperties":false}`), `Unknown name \"additionalProperties\"`},
		{"several types", generate, tool(`{"type":["string","null"]}`), "not repeating"},
		{"enum of numbers", generate, tool(`{"type":"integer","enum":[1]}`), "enum"},
		{"format", generate, tool(`{"type":"string","format":"uri"}`), "format"},
		{"empty object", generate, tool(`{"type":"object","properties":{"a":{"type":"object"}}}`), "non-empty"},
		{"required", generate, tool(`{"type":"object","properties":{"a":{"type":"string"}},"required":["b"]}`), "not defined"},
		{"array without items", generate, tool(`{"type":"array"}`), "items"},
		{"function name", generate, `{` + hi + `,"tools":[{"functionDeclarations":[{"name":"1st"}]}]}`, "function name"},
		{"names with AUTO", generate, `{` + hi + `,"tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["f"]}}}`, "ANY or VALIDATED"},
		{"batch without models", "/v1beta/models/gemini-embedding-001:batchEmbedContents", `{"requests":[{"content":{"parts":[{"text":"x"}]}}]}`, "model name"},
	} {
		status, body := post(t, s, c.path, c.body)
		var e struct {
			Error struct {
				Code int `json:"code"`
			} `json:"error"`
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil || status != 400 || e.Error.Code != 400 || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
	if status, body := post(t, s, three, calls(`,"thoughtSignature":"QUJD"`)); status != 200 {
		t.Errorf("signed calls: %d %s", status, body)
	}
	if status, _ := post(t, s, generate+"?key=other", `{`+hi+`}`); status != 400 {
		t.Errorf("two keys: %d", status)
	}
	if status, body := post(t, s, generate, `{`+hi+`}`, "X-Goog-Api-Key", "wrong"); status != 400 || !strings.Contains(body, "API_KEY_INVALID") {
		t.Errorf("a wrong key: %d %s", status, body)
	}
}

// TestTokensAreIssuedForGoodAssertionsAlone verifies signature, key, issuer, audience, scope and times.
func TestTokensAreIssuedForGoodAssertionsAlone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	account := fakegemini.NewAccount("acme")
	account.Audience = "https://oauth2.example/token"
	s := fakegemini.New(fakegemini.Options{Account: account, Clock: clock.NewManual(now).Now})
	var file struct {
		PrivateKey string `json:"private_key"`
	}
	if err := json.Unmarshal([]byte(account.JSON("")), &file); err != nil {
		t.Fatal(err)
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(file.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": account.Email, "scope": fakegemini.Scope, "aud": account.Audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	}
	ask := func(claims jwt.MapClaims, kid string) (int, string) {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		token.Header["kid"] = kid
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {text}}
		return post(t, s, fakegemini.TokenPath, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	if status, body := ask(good(), account.KeyID); status != 200 || !strings.Contains(body, `"access_token":"ya29.`) {
		t.Errorf("%d %s", status, body)
	}
	for name, spoil := range map[string]func(jwt.MapClaims){
		"issuer": func(c jwt.MapClaims) { c["iss"] = "other" }, "audience": func(c jwt.MapClaims) { c["aud"] = "https://other" },
		"scope": func(c jwt.MapClaims) { c["scope"] = "email" }, "expired": func(c jwt.MapClaims) { c["exp"] = now.Add(-time.Minute).Unix() },
		"too long": func(c jwt.MapClaims) { c["exp"] = now.Add(2 * time.Hour).Unix() }, "from the future": func(c jwt.MapClaims) { c["iat"] = now.Add(time.Hour).Unix() },
	} {
		claims := good()
		spoil(claims)
		if status, body := ask(claims, account.KeyID); status != 400 || !strings.Contains(body, "invalid_grant") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, _ := ask(good(), "another"); status != 400 {
		t.Errorf("another key: %d", status)
	}
	if s.Issued() != 1 {
		t.Errorf("%d tokens", s.Issued())
	}
}
