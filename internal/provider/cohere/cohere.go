// Package cohere reaches Cohere's rankings and vectors, in the shapes of its API v2. Source: the provider sheet
// "rerank-jina-cohere".
package cohere

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/bearer"
)

const defaultBaseURL = "https://api.cohere.com"

// Adapter is the adapter "cohere". The zero value is ready.
type Adapter struct{}

// config is what a platform's config may say.
type config struct {
	// InputType is what texts are embedded for, where a request does not say in input_type.
	InputType string `json:"inputType"`
	// Truncate is what is cut off texts that are too long: NONE, START or END.
	Truncate string `json:"truncate"`
}

var (
	inputTypes  = []string{"search_document", "search_query", "classification", "clustering"}
	truncations = []string{"END", "START", "NONE"}
)

type upstream struct {
	*bearer.Account
	config
}

// Open checks the account.
func (Adapter) Open(a provider.Account) (provider.Upstream, error) {
	c := config{InputType: inputTypes[0], Truncate: truncations[0]}
	if err := provider.DecodeConfig(a.Config, &c); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(inputTypes, c.InputType):
		return nil, provider.FaultConfig("config.inputType", "This is no type of input that Cohere knows.")
	case !slices.Contains(truncations, c.Truncate):
		return nil, provider.FaultConfig("config.truncate", "This must be END, START or NONE.")
	}
	account, err := bearer.Open(a, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	return &upstream{account, c}, nil
}

// Send makes one call. Errors are those of provider.SendError.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	return bearer.Send(ctx, c, u.rank, u.embed)
}

// rank sends a ranking: the model and texts, and what Cohere has of its own.
func (u *upstream) rank(ctx context.Context, c *provider.Call) (*http.Response, error) {
	f, query, documents, err := bearer.Ranked(c)
	if err != nil {
		return bearer.Refuse(err), nil
	}
	body := bearer.Body{"model": c.Model, "query": query, "documents": documents, "top_n": f.Top()}
	body.Take(bearer.Members(c.Body), "max_tokens_per_doc", "priority")
	var answer struct {
		ID      string          `json:"id"`
		Results []bearer.Result `json:"results"`
		Meta    json.RawMessage `json:"meta"`
	}
	resp, err := u.Post(ctx, "/v2/rerank", bearer.JSON(body))
	return bearer.Translate(resp, err, &answer, func() ([]byte, bool) {
		if !bearer.Complete(answer.Results, &f) {
			return nil, false
		}
		return bearer.Ranking(answer.ID, c.Model, answer.Results, 0, answer.Meta), true
	})
}

// maxPages bounds how far a list of models is followed.
const maxPages = 20

// Models asks for the models that rank or embed.
func (u *upstream) Models(ctx context.Context) (out []string, err error) {
	for _, endpoint := range []string{"rerank", "embed"} {
		query := url.Values{"page_size": {"1000"}, "endpoint": {endpoint}}
		for range maxPages {
			page, err := u.models(ctx, query)
			if err != nil {
				return nil, err
			}
			for _, m := range page.Models {
				if m.Name != "" && !slices.Contains(out, m.Name) {
					out = append(out, m.Name)
				}
			}
			if page.Next == "" {
				break
			}
			query.Set("page_token", page.Next)
		}
	}
	return out, nil
}

type modelPage struct {
	Models []struct {
		Name string `json:"name"`
	} `json:"models"`
	Next string `json:"next_page_token"`
}

func (u *upstream) models(ctx context.Context, query url.Values) (page modelPage, err error) {
	resp, err := u.Get(ctx, "/v1/models", query)
	if err != nil {
		return page, provider.Unreached(ctx)
	}
	body, ok := bearer.Read(resp)
	switch {
	case !ok:
		return page, provider.Unreached(ctx)
	case resp.StatusCode != http.StatusOK:
		return page, &provider.Error{Outcome: u.Classify(resp, body), Status: resp.StatusCode}
	case json.Unmarshal(body, &page) != nil || page.Models == nil:
		return page, &provider.Error{Outcome: provider.Outcome{
			Category: inference.Protocol, Code: "upstream_bad_response", Message: "The answer is not a list of models.",
		}, Status: resp.StatusCode}
	}
	return page, nil
}

var (
	_ provider.Adapter     = Adapter{}
	_ provider.ModelLister = (*upstream)(nil)
)
