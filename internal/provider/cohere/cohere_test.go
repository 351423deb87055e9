package cohere

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakerank"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	(&providertest.Ranker{
		Adapter: Adapter{}, Fake: fakerank.NewCohere(), RankModel: "rerank-v3.5", EmbedModel: "embed-v4.0", Searches: 1, EmbedTokens: 6,
		Models: []string{"rerank-v3.5", "rerank-v4.0-pro", "embed-v4.0"},
		Bad: []providertest.BadAccount{
			{Name: "input type", Path: "config.inputType", Spoil: func(a *provider.Account) { a.Config = []byte(`{"inputType":"poem"}`) }},
			{Name: "truncate", Path: "config.truncate", Spoil: func(a *provider.Account) { a.Config = []byte(`{"truncate":"MIDDLE"}`) }},
		},
		Failures: map[string]provider.Outcome{
			"400": {Category: inference.InvalidRequest}, "401": {Category: inference.Authentication}, "402": {Category: inference.QuotaExhausted},
			"403": {Category: inference.Permission}, "404": {Category: inference.NotFound}, "422": {Category: inference.InvalidRequest},
			"429": {Category: inference.RateLimited, RetryAfter: 2 * time.Second}, "498": {Category: inference.Authentication},
			"500": {Category: inference.ServerError}, "503": {Category: inference.Overloaded}, "504": {Category: inference.Timeout},
		},
	}).Run(t)
}

func open(t *testing.T, config string) (*fakerank.Server, provider.Upstream) {
	t.Helper()
	fake := fakerank.NewCohere()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	u, err := Adapter{}.Open(provider.Account{
		BaseURL: server.URL, Config: []byte(config), Credential: map[string]secret.String{"apiKey": secret.New(fakerank.Key)}, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	return fake, u
}

func send(t *testing.T, u provider.Upstream, kind inference.Kind, body string) (status int, out map[string]json.RawMessage) {
	t.Helper()
	resp, err := u.Send(t.Context(), &provider.Call{Kind: kind, Model: "embed-v4.0", Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out
}

// TestLargeBatchesGoOutInSeveral: Cohere takes 96 texts at once, callers send more.
func TestLargeBatchesGoOutInSeveral(t *testing.T) {
	t.Parallel()
	fake, u := open(t, "")
	status, out := send(t, u, inference.Embeddings, `{"model":"m","input":["abc"`+strings.Repeat(`,"abc"`, 199)+`]}`)
	var data []struct {
		Index int `json:"index"`
	}
	if err := json.Unmarshal(out["data"], &data); err != nil || status != 200 || len(data) != 200 || data[199].Index != 199 {
		t.Fatalf("%d, %d vectors, %v", status, len(data), err)
	}
	m, ok := wire.Embeddings.Answer([]byte(`{"data":[],"usage":` + string(out["usage"]) + `}`))
	if !ok || m.Usage.Quantities[inference.TextInput] != 600 {
		t.Errorf("metered as %+v", m)
	}
	var sizes []int
	for _, r := range fake.Requests() {
		var texts []string
		if err := json.Unmarshal(r.Body["texts"], &texts); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(texts))
	}
	if len(sizes) != 3 || sizes[0] != 96 || sizes[2] != 8 {
		t.Errorf("sent %v", sizes)
	}
}

func TestWhatGoesOut(t *testing.T) {
	t.Parallel()
	fake, u := open(t, `{"inputType":"clustering","truncate":"NONE"}`)
	send(t, u, inference.Embeddings, `{"model":"m","input":"a","dimensions":256,"user":"u"}`)
	send(t, u, inference.Embeddings, `{"model":"m","input":"a","input_type":"search_query"}`)
	status, out := send(t, u, inference.Rerank, `{"model":"m","query":"q","documents":[{"image":"x"}]}`)
	if status != 400 || !strings.Contains(string(out["error"]), "documents[0]") {
		t.Errorf("a picture: %d %s", status, out["error"])
	}
	sent := fake.Requests()
	if len(sent) != 2 {
		t.Fatalf("%d requests", len(sent))
	}
	for i, want := range []map[string]string{
		{"input_type": `"clustering"`, "truncate": `"NONE"`, "output_dimension": "256", "texts": `["a"]`, "model": `"embed-v4.0"`},
		{"input_type": `"search_query"`, "output_dimension": ""},
	} {
		for name, value := range want {
			if got := string(sent[i].Body[name]); got != value {
				t.Errorf("%s is %s, want %s", name, got, value)
			}
		}
	}
}
