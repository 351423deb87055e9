package probe_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/anthropic"
	"github.com/gantry-ai/gantry/internal/provider/bedrock"
	"github.com/gantry-ai/gantry/internal/provider/ollama"
	"github.com/gantry-ai/gantry/internal/provider/openai"
	"github.com/gantry-ai/gantry/internal/provider/probe"
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/testkit/fakebedrock"
	"github.com/gantry-ai/gantry/internal/testkit/fakeollama"
)

const key = "sk-test-0123456789abcdef"

// upstream answers like an OpenAI account with one key; chat is what the one-token call gets.
func upstream(t *testing.T, chat http.HandlerFunc) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	guarded := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") != "Bearer "+key {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = w.Write([]byte(`{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`))
				return
			}
			next(w, req)
		}
	}
	mux.HandleFunc("GET /v1/models", guarded(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"text-embedding-9"},{"id":"chat-9"}]}`))
	}))
	mux.HandleFunc("POST /v1/chat/completions", guarded(chat))
	s := httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	return s
}

func answers(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Model     string `json:"model"`
		MaxTokens int    `json:"max_tokens"`
	}
	if json.NewDecoder(req.Body).Decode(&body) != nil || body.Model != "chat-9" || body.MaxTokens != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = w.Write([]byte(`{"id":"x","choices":[{"message":{"role":"assistant","content":"OK"}}]}`))
}

func prober(s *httptest.Server) probe.Prober {
	return probe.Prober{Now: time.Now, Transport: func() http.RoundTripper {
		t := &http.Transport{}
		if s != nil {
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			t.TLSClientConfig = &tls.Config{RootCAs: roots}
		}
		return t
	}}
}

func account(base, apiKey string) provider.Account {
	return provider.Account{BaseURL: base, Credential: map[string]secret.String{"apiKey": secret.New(apiKey)}}
}

// states sums a report up: name and + ok, - skipped, ! failed.
func states(r probe.Report) string {
	var out []string
	for _, s := range r.Steps {
		mark := "!"
		switch {
		case s.OK:
			mark = "+"
		case s.Skipped:
			mark = "-"
		}
		out = append(out, mark+s.Name)
	}
	return strings.Join(out, " ")
}

func check(t *testing.T, r probe.Report, want, advice string) {
	t.Helper()
	if got := states(r); got != want {
		t.Errorf("got %s, want %s: %+v", got, want, r.Steps)
	}
	said := ""
	for _, s := range r.Steps {
		if s.Message.ZH == "" || s.Message.ZH == s.Message.EN || (s.Advice.ZH == "") != (s.Advice.EN == "") {
			t.Errorf("%s says %+v and advises %+v", s.Name, s.Message, s.Advice)
		}
		said += s.Message.EN + s.Advice.EN
		if !s.OK && !s.Skipped && !strings.Contains(s.Advice.EN, advice) {
			t.Errorf("%s advises %q", s.Name, s.Advice)
		}
	}
	if strings.Contains(said, key) || strings.Contains(said, "sk-wrong") {
		t.Errorf("the report holds the key: %s", said)
	}
}

func TestAllStepsPass(t *testing.T) {
	t.Parallel()
	s := upstream(t, answers)
	r := prober(s).Probe(t.Context(), openai.Adapter{}, account(s.URL+"/v1", key), "")
	check(t, r, "+resolve +tls +auth +models +call", "")
	if len(r.Models) != 2 || r.Steps[1].Duration <= 0 {
		t.Errorf("report %+v", r)
	}
}

func TestWrongKeyMarksAuth(t *testing.T) {
	t.Parallel()
	s := upstream(t, answers)
	r := prober(s).Probe(t.Context(), openai.Adapter{}, account(s.URL+"/v1", "sk-wrong"), "")
	check(t, r, "+resolve +tls !auth -models -call", "Wrong key")
}

func TestUnknownModelMarksCall(t *testing.T) {
	t.Parallel()
	s := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":{"message":"The model does not exist","code":"model_not_found"}}`))
	})
	r := prober(s).Probe(t.Context(), openai.Adapter{}, account(s.URL+"/v1", key), "chat-10")
	check(t, r, "+resolve +tls +auth +models !call", "model's name")
}

func TestWrongPathMarksModels(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>a portal</html>"))
	}))
	t.Cleanup(s.Close)
	r := prober(s).Probe(t.Context(), openai.Adapter{}, account(s.URL+"/v1", key), "")
	check(t, r, "+resolve +tls +auth !models -call", "path of the base URL")
}

func TestUntrustedCertificateMarksTLS(t *testing.T) {
	t.Parallel()
	s := upstream(t, answers)
	r := prober(nil).Probe(t.Context(), openai.Adapter{}, account(s.URL+"/v1", key), "")
	check(t, r, "+resolve !tls -auth -models -call", "not trusted")
}

func TestClosedPortMarksConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := prober(nil).Probe(t.Context(), openai.Adapter{}, account("http://"+addr+"/v1", key), "")
	check(t, r, "+resolve !tls -auth -models -call", "firewalls")
}

func TestUnknownHostMarksResolve(t *testing.T) {
	t.Parallel()
	p := prober(nil)
	p.Transport = func() http.RoundTripper {
		resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}}
		return &http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext}
	}
	r := p.Probe(t.Context(), openai.Adapter{}, account("https://no-such-host.invalid/v1", key), "")
	check(t, r, "!resolve -tls -auth -models -call", "typing mistakes")
}

func TestSilentUpstreamTimesOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-req.Context().Done():
		case <-release:
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r := prober(s).Probe(ctx, openai.Adapter{}, account(s.URL+"/v1", key), "")
	check(t, r, "+resolve +tls !auth -models -call", "network")
}

// TestOtherDialectsHaveASmallestCall: what the probe sends is taken by servers that are strict about it.
func TestOtherDialectsHaveASmallestCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		adapter provider.Adapter
		server  http.Handler
		account provider.Account
	}{
		"bedrock": {bedrock.Adapter{}, &fakebedrock.Server{}, provider.Account{Credential: map[string]secret.String{
			"accessKey": secret.New(fakebedrock.AccessKey), "secretKey": secret.New(fakebedrock.SecretKey),
		}}},
		"ollama": {ollama.Adapter{}, &fakeollama.Server{}, provider.Account{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(c.server)
			t.Cleanup(s.Close)
			c.account.BaseURL = s.URL
			if name == "bedrock" {
				c.account.Config = []byte(`{"region":"us-east-1","controlUrl":"` + s.URL + `"}`)
			}
			r := prober(nil).Probe(t.Context(), c.adapter, c.account, "")
			check(t, r, "+resolve -tls +auth +models +call", "")
		})
	}
}

// An upstream that is talked to in messages alone is probed with the smallest of them.
func TestProbeOfMessages(t *testing.T) {
	t.Parallel()
	fake := fakeanthropic.New(fakeanthropic.Options{})
	s := httptest.NewTLSServer(fake)
	t.Cleanup(s.Close)
	report := prober(s).Probe(t.Context(), anthropic.Adapter{}, account(s.URL, fakeanthropic.DefaultKey), "")
	if got := states(report); strings.Contains(got, "!") || !strings.Contains(got, "+call") {
		t.Errorf("%s: %+v", got, report)
	}
	if last, _ := fake.Last(); last.Path != "/v1/messages" || !strings.Contains(string(last.Body), `"max_tokens":1`) {
		t.Errorf("%s %s", last.Path, last.Body)
	}
	bad := prober(s).Probe(t.Context(), anthropic.Adapter{}, account(s.URL, "sk-ant-another-key"), "")
	if got := states(bad); !strings.Contains(got, "!auth") {
		t.Errorf("%s: %+v", got, bad)
	}
}
