// Package jina reaches Jina's rankings and vectors. Source: the provider sheet "rerank-jina-cohere".
package jina

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/bearer"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

const defaultBaseURL = "https://api.jina.ai/v1"

// Adapter is the adapter "jina". The zero value is ready.
type Adapter struct{}

// config is what a platform's config may say.
type config struct {
	// Task is what texts are embedded for, where a request does not say in task; empty leaves it to the model.
	Task string `json:"task"`
}

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
	account, err := bearer.Open(a, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	return &upstream{account, c}, nil
}

// Describe tells what the adapter needs.
func (Adapter) Describe() provider.Description {
	return bearer.Describe(provider.Description{
		Name:           "jina",
		Title:          "Jina AI",
		Logo:           "M6 16a3 3 0 110 6 3 3 0 010-6zM11 2h5v12a8 8 0 01-5 7.4V2zm8 5a2.5 2.5 0 110 5 2.5 2.5 0 010-5z",
		DefaultBaseURL: defaultBaseURL,
		Config: []provider.Field{{
			Name: "task", Type: "text", Label: bearer.Text("Task", "任务类型"),
			Help: bearer.Text("What texts are embedded for, such as retrieval.passage, where a request does not say in task.",
				"请求未用 task 指明时,向量的用途,例如 retrieval.passage。"),
		}},
		Models: []string{
			"jina-reranker-v3", "jina-reranker-v2-base-multilingual", "jina-reranker-m0", "jina-embeddings-v4", "jina-embeddings-v3",
		},
	})
}

// Send makes one call. Errors are those of provider.SendError. Answers are in the dialect already.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	return bearer.Send(ctx, c, u.rank, u.embed)
}

// rank sends a ranking. Documents stand as they are: some models take pictures. Jina returns them unless it is told not to.
func (u *upstream) rank(ctx context.Context, c *provider.Call) (*http.Response, error) {
	f, err := wire.PeekRerank(c.Body)
	if err != nil {
		return bearer.Refuse(err), nil
	}
	members := bearer.Members(c.Body)
	body := bearer.Body{"model": c.Model, "top_n": f.Top(), "return_documents": f.ReturnDocuments}
	body.Take(members, "query", "documents", "truncation", "max_chunk_length")
	return u.Post(ctx, "/rerank", bearer.JSON(body))
}

// embed sends what is to be embedded. Jina calls the form of vectors otherwise.
func (u *upstream) embed(ctx context.Context, c *provider.Call) (*http.Response, error) {
	inputs, err := bearer.Inputs(c)
	if err != nil {
		return bearer.Refuse(err), nil
	}
	members := bearer.Members(c.Body)
	body := bearer.Body{"model": c.Model, "input": inputs}
	if u.Task != "" {
		body["task"] = u.Task
	}
	body.Take(members, "task", "dimensions", "late_chunking", "truncate", "normalized")
	if bearer.WantsPacked(members) {
		body["embedding_type"] = "base64"
	}
	return u.Post(ctx, "/embeddings", bearer.JSON(body))
}

// Classify reads an error answer, whose message is under detail: a text, an object, or a list of what is wrong.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	code, _, _, message := wire.ParseError(body)
	if message == "" {
		code, message = detail(body)
	}
	o := u.Outcome(r, code, message)
	switch {
	case strings.Contains(code+message, "INSUFFICIENT_BALANCE") || strings.Contains(strings.ToLower(message), "insufficient account balance"):
		o.Category = inference.QuotaExhausted
	case code == "INPUT_MODEL_NOT_FOUND" || strings.HasPrefix(message, "Model ") && strings.HasSuffix(message, " not found"):
		o.Category = inference.NotFound
	}
	return o
}

// detail reads what stands under detail where it is no text.
func detail(body []byte) (code, message string) {
	type item struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Msg     string `json:"msg"`
		Type    string `json:"type"`
	}
	var outer struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return "", ""
	}
	var one item
	var many []item
	if json.Unmarshal(outer.Detail, &one) == nil {
		return one.Code, one.Message
	}
	if json.Unmarshal(outer.Detail, &many) == nil && len(many) > 0 {
		return many[0].Type, many[0].Msg
	}
	return "", ""
}

var _ provider.Adapter = Adapter{}
