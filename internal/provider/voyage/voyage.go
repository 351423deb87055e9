// Package voyage reaches Voyage AI's rankings and vectors. Source: Voyage's OpenAPI document
// (github.com/voyage-ai/openapi, version 1.1).
package voyage

import (
	"context"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/bearer"
)

const defaultBaseURL = "https://api.voyageai.com/v1"

// Adapter is the adapter "voyage". The zero value is ready.
type Adapter struct{}

// config is what a platform's config may say.
type config struct {
	// InputType is what texts are embedded for, where a request does not say in input_type; empty is neither.
	InputType string `json:"inputType"`
}

var inputTypes = []string{"", "query", "document"}

type upstream struct {
	*bearer.Account
	config
}

// Open checks the account.
func (Adapter) Open(a provider.Account) (provider.Upstream, error) {
	var c config
	if err := provider.DecodeConfig(a.Config, &c); err != nil {
		return nil, err
	}
	if !slices.Contains(inputTypes, c.InputType) {
		return nil, provider.FaultConfig("config.inputType", "This must be query, document or empty.")
	}
	account, err := bearer.Open(a, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	return &upstream{account, c}, nil
}

// Describe tells what the adapter needs.
func (Adapter) Describe() provider.Description {
	return bearer.Describe(provider.Description{
		Name:           "voyage",
		Title:          "Voyage AI",
		Logo:           "M3 4h4l5 11.5L17 4h4l-7.2 16h-3.6L3 4zm9 0l2 4-2 4.5L10 8l2-4z",
		DefaultBaseURL: defaultBaseURL,
		Config: []provider.Field{{
			Name: "inputType", Type: "select", Options: inputTypes, Label: bearer.Text("Input type", "输入类型"),
			Help: bearer.Text("What texts are embedded for, where a request does not say in input_type.", "请求未用 input_type 指明时,向量的用途。"),
		}},
		Models: []string{"rerank-2.5", "rerank-2.5-lite", "voyage-3.5", "voyage-3.5-lite", "voyage-3-large", "voyage-code-3"},
	})
}

// Send makes one call. Errors are those of provider.SendError.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	return bearer.Send(ctx, c, u.rank, u.embed)
}

// usage is the part of an answer that tells what was used: the total alone.
type usage struct {
	Usage struct {
		Tokens int64 `json:"total_tokens"`
	} `json:"usage"`
}

// rank sends a ranking: Voyage calls the number of results otherwise, and answers with a list.
func (u *upstream) rank(ctx context.Context, c *provider.Call) (*http.Response, error) {
	f, query, documents, err := bearer.Ranked(c)
	if err != nil {
		return bearer.Refuse(err), nil
	}
	body := bearer.Body{"model": c.Model, "query": query, "documents": documents, "top_k": f.Top()}
	body.Take(bearer.Members(c.Body), "truncation")
	var answer struct {
		Data []bearer.Result `json:"data"`
		usage
	}
	resp, err := u.Post(ctx, "/rerank", bearer.JSON(body))
	return bearer.Translate(resp, err, &answer, func() ([]byte, bool) {
		if !bearer.Complete(answer.Data, &f) {
			return nil, false
		}
		return bearer.Ranking("", c.Model, answer.Data, answer.Usage.Tokens, nil), true
	})
}

// embed sends texts to be embedded. The answer is the dialect's but for its usage, which has the total alone.
func (u *upstream) embed(ctx context.Context, c *provider.Call) (*http.Response, error) {
	inputs, err := bearer.Inputs(c)
	if err != nil {
		return bearer.Refuse(err), nil
	}
	members := bearer.Members(c.Body)
	body := bearer.Body{"model": c.Model, "input": inputs}
	if u.InputType != "" {
		body["input_type"] = u.InputType
	}
	body.Take(members, "input_type", "truncation", "output_dtype")
	if v := members["dimensions"]; len(v) > 0 && string(v) != "null" {
		body["output_dimension"] = v
	}
	if bearer.WantsPacked(members) {
		body["encoding_format"] = "base64"
	}
	var answer struct {
		Data []bearer.Vector `json:"data"`
		usage
	}
	resp, err := u.Post(ctx, "/embeddings", bearer.JSON(body))
	return bearer.Translate(resp, err, &answer, func() ([]byte, bool) {
		return bearer.Vectors(c.Model, answer.Data, answer.Usage.Tokens), len(answer.Data) == len(inputs)
	})
}

var _ provider.Adapter = Adapter{}
