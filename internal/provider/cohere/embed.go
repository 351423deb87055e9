package cohere

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/bearer"
)

// maxTexts is how many texts Cohere embeds at once. Larger requests go out in several.
const maxTexts = 96

// embed sends texts to be embedded, and puts the answers together.
func (u *upstream) embed(ctx context.Context, c *provider.Call) (*http.Response, error) {
	inputs, err := bearer.Inputs(c)
	texts := make([]string, len(inputs))
	for i := range inputs {
		if err == nil {
			texts[i], err = bearer.TextOf(inputs[i], "input["+strconv.Itoa(i)+"]")
		}
	}
	if err != nil {
		return bearer.Refuse(err), nil
	}
	members := bearer.Members(c.Body)
	var data []bearer.Vector
	var tokens int64
	for some := range slices.Chunk(texts, maxTexts) {
		resp, err := u.Post(ctx, "/v2/embed", u.embedding(c.Model, some, members))
		if err != nil || resp.StatusCode != http.StatusOK {
			return resp, err
		}
		text, ok := bearer.Read(resp)
		if !ok {
			return resp, nil
		}
		if !appendVectors(&data, &tokens, text, len(some), bearer.WantsPacked(members)) {
			bearer.Spoil(resp)
			return resp, nil
		}
		if len(data) == len(texts) {
			bearer.Replace(resp, bearer.Vectors(c.Model, data, tokens))
			return resp, nil
		}
	}
	return bearer.Refuse(bearer.Unsupported("input", "There is nothing to embed.")), nil
}

func (u *upstream) embedding(model string, texts []string, members map[string]json.RawMessage) []byte {
	body := bearer.Body{
		"model": model, "texts": texts, "input_type": u.InputType, "truncate": u.Truncate, "embedding_types": []string{"float"},
	}
	body.Take(members, "input_type", "truncate")
	if v := members["dimensions"]; len(v) > 0 && string(v) != "null" {
		body["output_dimension"] = v
	}
	return bearer.JSON(body)
}

// appendVectors reads an answer with n vectors.
func appendVectors(data *[]bearer.Vector, tokens *int64, answer []byte, n int, packed bool) bool {
	var a struct {
		Embeddings struct {
			Float []json.RawMessage `json:"float"`
		} `json:"embeddings"`
		Meta struct {
			Billed struct {
				Tokens int64 `json:"input_tokens"`
			} `json:"billed_units"`
		} `json:"meta"`
	}
	if json.Unmarshal(answer, &a) != nil || len(a.Embeddings.Float) != n {
		return false
	}
	for _, v := range a.Embeddings.Float {
		if packed {
			var ok bool
			if v, ok = bearer.Packed(v); !ok {
				return false
			}
		}
		*data = append(*data, bearer.Vector{Object: "embedding", Index: len(*data), Embedding: v})
	}
	*tokens += a.Meta.Billed.Tokens
	return true
}
