package jina

import (
	"net/http"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakerank"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	(&providertest.Ranker{
		Adapter: Adapter{}, Fake: fakerank.NewJina(), Path: "/v1", RankModel: "jina-reranker-v3", EmbedModel: "jina-embeddings-v3",
		Tokens: 21, EmbedTokens: 6,
		Failures: map[string]provider.Outcome{
			"400": {Category: inference.InvalidRequest}, "401": {Category: inference.Authentication}, "402": {Category: inference.QuotaExhausted},
			"403": {Category: inference.QuotaExhausted, Code: "AUTHZ_INSUFFICIENT_BALANCE"},
			"422": {Category: inference.InvalidRequest, Code: "extra_forbidden"},
			"429": {Category: inference.RateLimited, RetryAfter: 2 * time.Second}, "500": {Category: inference.ServerError},
		},
	}).Run(t)
}

func TestModelsThatAreUnknown(t *testing.T) {
	t.Parallel()
	u, err := Adapter{}.Open(provider.Account{Credential: map[string]secret.String{"apiKey": secret.New("k")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"detail":"Model 'x' not found"}`, `{"detail":{"code":"INPUT_MODEL_NOT_FOUND","message":"?"}}`} {
		if o := u.Classify(&http.Response{StatusCode: http.StatusBadRequest}, []byte(body)); o.Category != inference.NotFound {
			t.Errorf("%s: %+v", body, o)
		}
	}
	if o := u.Classify(&http.Response{StatusCode: http.StatusBadGateway}, []byte("<html>")); o.Category != inference.ServerError || o.Message != "" {
		t.Errorf("a page: %+v", o)
	}
}
