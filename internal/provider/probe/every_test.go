package probe_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/all"
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/testkit/fakeazure"
	"github.com/gantry-ai/gantry/internal/testkit/fakebedrock"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
	"github.com/gantry-ai/gantry/internal/testkit/fakeollama"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/testkit/fakerank"
)

// trial is how an adapter's upstream is faked, and how far the steps come.
type trial struct {
	server    http.Handler
	path, key string
	model     string
	want      string
	spoil     string // the field of the credential that is made wrong; empty: there is none
}

const (
	everything = "+resolve -tls +auth +models +call"
	unlisted   = "+resolve -tls +auth -models +call"
)

func trials(t *testing.T) map[string]trial {
	t.Helper()
	openai := func() http.Handler { return fakeopenai.New(fakeopenai.Options{}) }
	out := map[string]trial{
		"openai":         {openai(), "/v1", fakeopenai.DefaultKey, "gpt-4o-mini", everything, "apiKey"},
		"azure":          {fakeazure.New(), "", fakeazure.Key, "prod-4o-mini", unlisted, "apiKey"},
		"anthropic":      {fakeanthropic.New(fakeanthropic.Options{}), "", fakeanthropic.DefaultKey, "", everything, "apiKey"},
		"gemini":         {fakegemini.New(fakegemini.Options{}), "/v1beta", fakegemini.DefaultKey, "", everything, "apiKey"},
		"bedrock":        {&fakebedrock.Server{}, "", fakebedrock.AccessKey, "", everything, "secretKey"},
		"bedrock-claude": {&fakebedrock.Server{}, "", fakebedrock.AccessKey, "", everything, "secretKey"},
		"ollama":         {&fakeollama.Server{}, "", "", "", everything, ""},
		"cohere":         {fakerank.NewCohere(), "", fakerank.Key, "", everything, "apiKey"},
		"jina":           {fakerank.NewJina(), "/v1", fakerank.Key, "", unlisted, "apiKey"},
		"voyage":         {fakerank.NewVoyage(), "/v1", fakerank.Key, "", unlisted, "apiKey"},
	}
	for _, a := range all.Adapters(all.Options{}) {
		if _, known := out[a.Describe().Name]; !known && isRow(a) {
			out[a.Describe().Name] = trial{openai(), "/v1", fakeopenai.DefaultKey, "gpt-4o-mini", everything, "apiKey"}
		}
	}
	return out
}

// isRow reports whether an adapter is a vendor's that speaks OpenAI's dialect.
func isRow(a provider.Adapter) bool {
	d := a.Describe()
	return !d.Simulated && !strings.HasPrefix(d.Name, "vertex") && slices.ContainsFunc(d.Config, func(f provider.Field) bool {
		return f.Name == "streamUsage"
	})
}

// TestEveryAdapterIsTriedOut runs the steps for every adapter there is: with what is right, all that apply pass and take time;
// with a wrong key it is the sign-in that fails, with advice in both languages.
func TestEveryAdapterIsTriedOut(t *testing.T) {
	t.Parallel()
	known := trials(t)
	for _, a := range all.Adapters(all.Options{}) {
		name := a.Describe().Name
		c, ok := known[name]
		if !ok {
			if !a.Describe().Simulated && !strings.HasPrefix(name, "vertex") {
				t.Errorf("nobody tries %s out", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(c.server)
			t.Cleanup(s.Close)
			check(t, prober(nil).Probe(t.Context(), a, c.account(a, s.URL, ""), c.model), c.want, "")
			if c.spoil == "" {
				return
			}
			wrong := prober(nil).Probe(t.Context(), a, c.account(a, s.URL, c.spoil), c.model)
			check(t, wrong, "+resolve -tls !auth -models -call", "key")
		})
	}
}

// account enters what the adapter asks for; the field spoiled is wrong.
func (c *trial) account(a provider.Adapter, server, spoiled string) provider.Account {
	out := provider.Account{BaseURL: server + c.path, Credential: map[string]secret.String{}}
	for _, f := range a.Describe().Credential {
		value := c.key
		if f.Name == "secretKey" {
			value = fakebedrock.SecretKey
		}
		if f.Name == spoiled {
			value = "sk-wrong-0123456789"
		}
		if f.Name != "sessionToken" && value != "" {
			out.Credential[f.Name] = secret.New(value)
		}
	}
	if spoiled == "secretKey" || strings.HasPrefix(a.Describe().Name, "bedrock") {
		delete(out.Credential, "apiKey")
		out.Config = []byte(`{"region":"us-east-1","controlUrl":"` + server + `"}`)
	}
	return out
}

// TestVertexIsTriedOut: its sign-in is a token, which is asked for elsewhere.
func TestVertexIsTriedOut(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	who := fakegemini.NewAccount("acme")
	fake := fakegemini.New(fakegemini.Options{
		Account: who, Clock: now.Now, Models: append([]string{"claude-sonnet-4-5@20250929"}, fakegemini.DefaultModels...),
	})
	s := httptest.NewServer(fake)
	t.Cleanup(s.Close)
	who.Audience = s.URL + fakegemini.TokenPath
	good := who.JSON("https://oauth2.googleapis.com/token")
	stranger := fakegemini.NewAccount("stranger").JSON("https://oauth2.googleapis.com/token")
	for _, a := range all.Adapters(all.Options{Now: now.Now}) {
		model := map[string]string{"vertex": "gemini-2.5-flash", "vertex-claude": "claude-sonnet-4-5@20250929"}[a.Describe().Name]
		if model == "" {
			continue
		}
		for text, want := range map[string]string{good: unlisted, stranger: "+resolve -tls !auth -models -call"} {
			r := prober(nil).Probe(t.Context(), a, provider.Account{
				BaseURL: s.URL, Credential: map[string]secret.String{"serviceAccount": secret.New(text)},
				Config: []byte(`{"location":"europe-west1","tokenUrl":"` + who.Audience + `"}`),
			}, model)
			check(t, r, want, "key")
		}
	}
}
