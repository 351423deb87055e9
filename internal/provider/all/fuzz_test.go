package all_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/all"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
)

// fuzzKey is what no answer may give away.
const fuzzKey = "sk-fuzz0123456789abcdef"

// mouth answers every request with the same bytes, but gives tokens to those who ask for one before.
type mouth struct {
	status int
	header http.Header
	body   []byte
	sent   [][]byte
	// tokenless says that tokens are asked for in vain.
	tokenless bool
}

// RoundTrip implements http.RoundTripper.
func (m *mouth) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: m.status, Header: m.header.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Body: io.NopCloser(bytes.NewReader(m.body)), ContentLength: int64(len(m.body)),
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		m.sent = append(m.sent, body)
	}
	if strings.HasSuffix(r.URL.Path, "/token") && !m.tokenless {
		resp.StatusCode, resp.Body = 200, io.NopCloser(strings.NewReader(`{"access_token":"ya29.x","expires_in":3600}`))
	}
	return resp, nil
}

// account opens an adapter with all that any of them asks for.
func account(tb testing.TB, a provider.Adapter, transport http.RoundTripper) provider.Upstream {
	tb.Helper()
	described := a.Describe()
	o := provider.Account{BaseURL: "https://upstream.example", Transport: transport, Credential: map[string]secret.String{}}
	for _, f := range described.Credential {
		o.Credential[f.Name] = secret.New(fuzzKey)
	}
	delete(o.Credential, "sessionToken")
	if _, ok := o.Credential["serviceAccount"]; ok {
		o.Credential["serviceAccount"] = secret.New(serviceAccount)
	}
	for _, f := range described.Config {
		if f.Name == "region" {
			o.Config = []byte(`{"region":"us-east-1"}`)
		}
	}
	u, err := a.Open(o)
	if err != nil {
		tb.Fatalf("%s: %v", described.Name, err)
	}
	return u
}

var serviceAccount = fakegemini.NewAccount("project").JSON("https://oauth2.googleapis.com/token")

// kindsOf lists what an adapter can be asked for, always in the same order.
func kindsOf(a provider.Adapter) (out []inference.Kind) {
	for kind := range a.Describe().Dialects {
		out = append(out, kind)
	}
	slices.Sort(out)
	return out
}

// asked are requests, so that adapters which read them before they send have something to read.
var asked = map[inference.Kind]string{
	inference.Rerank:     `{"model":"m","query":"q","documents":["a","b"]}`,
	inference.Embeddings: `{"model":"m","input":["a","b"]}`,
	inference.Speech:     `{"model":"m","input":"a","voice":"v"}`,
}

func callOf(kind inference.Kind, stream bool) *provider.Call {
	body := asked[kind]
	if body == "" {
		body = `{"model":"m","messages":[{"role":"user","content":"a"}],"input":"a","prompt":"a","contents":[{"parts":[{"text":"a"}]}]}`
	}
	return &provider.Call{Kind: kind, Stream: stream, Model: "m", Body: []byte(body), ContentType: "application/json", Attempt: 1}
}

// checkOutcome holds what every outcome is, whatever an upstream said.
func checkOutcome(t *testing.T, name string, o *provider.Outcome) {
	t.Helper()
	if !slices.Contains(inference.Categories, o.Category) || o.Category == inference.OK {
		t.Errorf("%s: %q is no category of a failure", name, o.Category)
	}
	if !utf8.ValidString(o.Code+o.Message) || len(o.Code) > 64 || len(o.Message) > 1000 || o.RetryAfter < 0 {
		t.Errorf("%s: %+v", name, o)
	}
	if strings.Contains(o.Code+o.Message, fuzzKey) {
		t.Errorf("%s gives the key away: %+v", name, o)
	}
}

// FuzzAnswers lets upstreams of every adapter answer every operation with anything: nothing hangs, panics, grows without
// bound or gives a secret away, and each failure is of a category that policies know.
func FuzzAnswers(f *testing.F) {
	adapters := all.Adapters(all.Options{})
	for n := range adapters {
		f.Add(uint8(n), uint8(2*n), uint16(200), "application/json", "", []byte(`{"id":"x","data":[{"embedding":[1]},{"embedding":[2]}],"usage":{"total_tokens":-3}}`))
		f.Add(uint8(n), uint8(2*n+1), uint16(200), "text/event-stream", "", []byte("data: {\"choices\":[]}\n\ndata: [DONE]\n\n"))
		f.Add(uint8(n), uint8(n), uint16(429), "application/json", "2", []byte(`{"error":{"message":"key `+fuzzKey+` is slow","type":"t","code":7}}`))
		f.Add(uint8(n), uint8(n), uint16(400), "text/html", "-1", []byte(`[{"error":{"code":400,"status":"S","details":[{}]}}]`))
	}
	f.Add(uint8(4), uint8(1), uint16(200), "application/vnd.amazon.eventstream", "", []byte("\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff"))
	f.Add(uint8(7), uint8(1), uint16(200), "application/json", "", []byte(`{"results":[{"index":1,"relevance_score":0.5},{"index":0}],"meta":{"billed_units":{"search_units":1}}}`))
	f.Fuzz(func(t *testing.T, n, op uint8, status uint16, contentType, retry string, body []byte) {
		a := adapters[int(n)%len(adapters)]
		if a.Describe().Simulated {
			return
		}
		m := &mouth{status: 200 + int(status)%400, header: http.Header{"Content-Type": {contentType}, "Retry-After": {retry}}, body: body, tokenless: len(body)%5 == 0}
		u := account(t, a, m)
		kinds := kindsOf(a)
		exchange(t, a.Describe().Name, u, callOf(kinds[int(op)/2%len(kinds)], op%2 == 1), len(body))
		ask(t, a.Describe().Name, u)
	})
}

// exchange makes a call and reads all that comes back.
func exchange(t *testing.T, name string, u provider.Upstream, c *provider.Call, size int) {
	t.Helper()
	before := bytes.Clone(c.Body)
	resp, err := u.Send(t.Context(), c)
	if !bytes.Equal(before, c.Body) {
		t.Errorf("%s wrote to the request", name)
	}
	if err != nil {
		if strings.Contains(err.Error(), fuzzKey) {
			t.Errorf("%s gives the key away: %v", name, err)
		}
		return
	}
	got, err := io.ReadAll(io.LimitReader(resp.Body, int64(64*size+1<<20)))
	if err == nil && len(got) == 64*size+1<<20 {
		t.Errorf("%s made %d bytes of %d", name, len(got), size)
	}
	if err := resp.Body.Close(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if resp.StatusCode >= 300 {
		o := u.Classify(resp, got)
		checkOutcome(t, name, &o)
	}
}

// ask asks the questions that an upstream can be asked.
func ask(t *testing.T, name string, u provider.Upstream) {
	t.Helper()
	var failed *provider.Error
	if lister, ok := u.(provider.ModelLister); ok {
		models, err := lister.Models(t.Context())
		if errors.As(err, &failed) {
			checkOutcome(t, name, &failed.Outcome)
		} else if err != nil || slices.Contains(models, "") {
			t.Errorf("%s: the models are %q, %v", name, models, err)
		}
	}
	if counter, ok := u.(provider.TokenCounter); ok {
		tokens, err := counter.CountTokens(t.Context(), callOf(inference.Chat, false))
		if errors.As(err, &failed) {
			checkOutcome(t, name, &failed.Outcome)
		}
		if tokens < 0 {
			t.Errorf("%s counts %d", name, tokens)
		}
	}
}

// FuzzCalls hands every adapter anything as a request: it refuses it, or sends JSON or a form, and never writes to it.
func FuzzCalls(f *testing.F) {
	adapters := all.Adapters(all.Options{})
	for n, a := range adapters {
		for op, kind := range kindsOf(a) {
			f.Add(uint8(n), uint8(2*op), callOf(kind, false).Body)
		}
	}
	f.Add(uint8(4), uint8(1), []byte(`{"model":"m","anthropic_version":null,"mcp_servers":[{}],"stream":true}`))
	f.Add(uint8(7), uint8(1), []byte(`{"model":"m","query":"q","documents":[{"text":"a"},1],"top_n":0,"input":[[1,2]],"dimensions":null}`))
	f.Fuzz(func(t *testing.T, n, op uint8, body []byte) {
		a := adapters[int(n)%len(adapters)]
		m := &mouth{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(`{}`)}
		kinds := kindsOf(a)
		kind := kinds[int(op)/2%len(kinds)]
		exchange(t, a.Describe().Name, account(t, a, m), &provider.Call{
			Kind: kind, Stream: op%2 == 1, Model: "m", Body: body, ContentType: "application/json", Attempt: 1,
		}, len(body)+1<<16)
		if !json.Valid(body) {
			return // formats let no such request come here
		}
		for _, sent := range m.sent {
			if bytes.HasPrefix(sent, []byte("{")) && !json.Valid(sent) {
				t.Errorf("%s made %q of %q", a.Describe().Name, sent, body)
			}
		}
	})
}

// FuzzAccounts enters anything as an account: it opens, or the field at fault is named in a message without the secret.
func FuzzAccounts(f *testing.F) {
	adapters := all.Adapters(all.Options{})
	for n := range adapters {
		f.Add(uint8(n), "", "", fuzzKey, "X-Team", "a", []byte(`{}`))
	}
	f.Add(uint8(0), "https://u:p@x/v1?q", "bearer", fuzzKey, "Authorization", "a\nb", []byte(`{"organization":"o","streamUsage":"yes"}`))
	f.Add(uint8(12), "", "", `{"type":"service_account","client_email":"a@b","private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----","token_uri":"https://evil.example"}`, "", "", []byte(`{"location":"../x","tokenUrl":"http://x"}`))
	f.Add(uint8(12), "", "", serviceAccount, "", "", []byte(`{"project":"p"}`))
	f.Fuzz(func(t *testing.T, n uint8, base, authType, credential, header, value string, config []byte) {
		a := adapters[int(n)%len(adapters)]
		o := provider.Account{
			BaseURL: base, AuthType: authType, Config: config, Headers: map[string]string{header: value},
			Credential: map[string]secret.String{}, Transport: &mouth{status: 200, header: http.Header{}, body: []byte(`{}`)},
		}
		for _, field := range a.Describe().Credential {
			o.Credential[field.Name] = secret.New(credential)
		}
		u, err := a.Open(o)
		if err == nil {
			exchange(t, a.Describe().Name, u, callOf(kindsOf(a)[0], false), 1<<16)
			return
		}
		var refused *fault.Error
		if !errors.As(err, &refused) || refused.Code != provider.ErrConfig.Code || refused.Path == "" || u != nil {
			t.Fatalf("%s: %v", a.Describe().Name, err)
		}
		if len(credential) > 8 && strings.Contains(refused.Message, credential) {
			t.Errorf("%s repeats the credential: %v", a.Describe().Name, err)
		}
	})
}
