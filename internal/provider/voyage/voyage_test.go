package voyage

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakerank"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	(&providertest.Ranker{
		Adapter: Adapter{}, Fake: fakerank.NewVoyage(), Path: "/v1", RankModel: "rerank-2.5", EmbedModel: "voyage-3.5", Tokens: 15, EmbedTokens: 6,
		Bad: []providertest.BadAccount{
			{Name: "input type", Path: "config.inputType", Spoil: func(a *provider.Account) { a.Config = []byte(`{"inputType":"poem"}`) }},
		},
		Failures: map[string]provider.Outcome{
			"400": {Category: inference.InvalidRequest}, "401": {Category: inference.Authentication}, "403": {Category: inference.Permission},
			"429": {Category: inference.RateLimited, RetryAfter: 2 * time.Second}, "500": {Category: inference.ServerError},
			"503": {Category: inference.Overloaded},
		},
	}).Run(t)
}
