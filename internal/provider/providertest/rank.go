package providertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/testkit/fakerank"
	relay "github.com/gantry-ai/gantry/internal/wire"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// Ranker is what the test of an adapter brings along whose upstream ranks and embeds.
type Ranker struct {
	Adapter provider.Adapter
	Fake    *fakerank.Server
	// Path is what the base URL has behind the host.
	Path string
	// RankModel and EmbedModel are models of the fake.
	RankModel, EmbedModel string
	// Searches and Tokens are what a ranking of three documents is metered as, EmbedTokens what two inputs of three letters are.
	// Searches 0 says that the upstream tells none.
	Searches, Tokens, EmbedTokens int64
	// Bad are more accounts that Open must refuse.
	Bad []BadAccount
	// Failures are the categories of statuses that the fake answers with.
	Failures map[string]provider.Outcome
	Models   []string
}

// Run runs the suite, and checks that what comes back is the dialect's and is metered.
func (r *Ranker) Run(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(r.Fake)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	account := provider.Account{
		BaseURL: server.URL + r.Path, Credential: map[string]secret.String{"apiKey": secret.New(fakerank.Key)}, Transport: transport,
	}
	silent := r.ranking(r.RankModel+"--hang", "")
	s := &Suite{
		Adapter: r.Adapter, Account: account, Bad: append(badKeys, r.Bad...), Silent: &silent, Models: r.Models,
		Whole:   []provider.Call{r.ranking(r.RankModel, ""), r.embedding(r.EmbedModel, `"abc"`, ""), r.embedding(r.EmbedModel, `["abc","def"]`, "")},
		Secrets: []string{fakerank.Key, "internal.invalid", strings.TrimPrefix(server.URL, "http://")},
	}
	for status, want := range r.Failures {
		s.Failures = append(s.Failures, Failure{Name: status, Call: r.ranking(r.RankModel+"--"+status, ""), Want: want})
	}
	s.Failures = append(s.Failures,
		Failure{Name: "tokens", Call: r.embedding(r.EmbedModel, `[1,2]`, ""), Want: provider.Outcome{Category: inference.InvalidRequest, Code: "unsupported_parameter"}},
		Failure{Name: "nothing", Call: r.embedding(r.EmbedModel, `[]`, ""), Want: provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_value"}},
		Failure{Name: "no query", Call: provider.Call{
			Kind: inference.Rerank, Model: r.RankModel, Body: []byte(`{"model":"m","documents":["a"]}`),
		}, Want: provider.Outcome{Category: inference.InvalidRequest, Code: "missing_required_parameter"}})
	Run(t, s)
	t.Run("answers in the dialect", func(t *testing.T) { t.Parallel(); r.speaks(t, s) })
	t.Run("passes on no answer that is none", func(t *testing.T) { t.Parallel(); r.distrusts(t, s) })
}

var badKeys = []BadAccount{
	{Name: "no key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.Credential = nil }},
	{Name: "two keys", Path: "credentials.apiKey", Spoil: func(a *provider.Account) {
		a.Credential = map[string]secret.String{"apiKey": secret.New("a b")}
	}},
	{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "basic" }},
	{Name: "scheme", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "ftp://x" }},
	{Name: "header", Path: "config.headers.Authorization", Spoil: func(a *provider.Account) {
		a.Headers = map[string]string{"Authorization": "Bearer x"}
	}},
	{Name: "setting", Path: "config.colour", Spoil: func(a *provider.Account) { a.Config = []byte(`{"colour":"red"}`) }},
}

func (r *Ranker) ranking(model, more string) provider.Call {
	return provider.Call{
		Kind: inference.Rerank, Model: model, Attempt: 1,
		Body: []byte(`{"model":"` + model + `","query":"q","documents":["a","b",{"text":"c"}],"top_n":2,"user":"u"` + more + `}`),
	}
}

func (r *Ranker) embedding(model, input, more string) provider.Call {
	return provider.Call{
		Kind: inference.Embeddings, Model: model, Attempt: 1, Body: []byte(`{"model":"` + model + `","user":"u","input":` + input + more + `}`),
	}
}

func (r *Ranker) speaks(t *testing.T, s *Suite) {
	t.Helper()
	u := s.open(t)
	c := r.ranking(r.RankModel, `,"return_documents":true`)
	got := send(t, u, &c)
	ask, err := wire.Rerank.Peek(c.Body)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := wire.Rerank.(relay.Answerer).AnswerTo(&ask, got.body) //nolint:forcetypeassert // a compile-time guard says so
	told := m.Usage.Quantities[inference.Search] == max(1, r.Searches) && m.Guessed.Has(inference.Search) == (r.Searches == 0)
	if !ok || !told || r.Tokens > 0 && (m.Usage.Quantities[inference.TextInput] != r.Tokens || m.Guessed.Has(inference.TextInput)) {
		t.Errorf("metered as %+v, %v: %s", m, ok, got.body)
	}
	var ranked struct {
		Results []struct {
			Index    int             `json:"index"`
			Score    float64         `json:"relevance_score"`
			Document json.RawMessage `json:"document"`
		} `json:"results"`
	}
	if err := json.Unmarshal(got.body, &ranked); err != nil || len(ranked.Results) != 2 || ranked.Results[0].Index != 2 || ranked.Results[0].Score != 0.9 ||
		!bytes.Contains(ranked.Results[1].Document, []byte(`"b"`)) {
		t.Errorf("ranked %s, %v", got.body, err)
	}
	c = r.ranking(r.RankModel, "")
	if got := send(t, u, &c); bytes.Contains(got.body, []byte("document")) {
		t.Errorf("nobody asked for documents: %s", got.body)
	}
	for format, first := range map[string]string{`"float"`: "[0.5,", `"base64"`: `"AAAAPwAAgL4`} {
		c := r.embedding(r.EmbedModel, `["abc","def"]`, `,"dimensions":3,"encoding_format":`+format)
		got := send(t, u, &c)
		m, ok := wire.Embeddings.Answer(got.body)
		if !ok || !m.Known || m.Usage.Quantities[inference.TextInput] != r.EmbedTokens || !strings.Contains(string(got.body), `"embedding":`+first) {
			t.Errorf("%s: %+v, %v: %s", format, m, ok, got.body)
		}
	}
}

// distrusts has the upstream answer what is not its own: it must not become an answer of the dialect's, nor half a one a whole.
func (r *Ranker) distrusts(t *testing.T, s *Suite) {
	t.Helper()
	u := s.open(t)
	for _, c := range []provider.Call{r.embedding(r.EmbedModel+"--odd", `["abc","def"]`, ""), r.embedding(r.EmbedModel+"--cut", `["abc","def"]`, "")} {
		resp, err := u.Send(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if _, ok := wire.Embeddings.Answer(body); ok && err == nil {
			t.Errorf("%s: %s", c.Model, body)
		}
	}
}
