package simulation

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"strconv"

	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// Limits of an embeddings request.
const (
	defaultDimensions = 1536
	maxDimensions     = 3072
	maxInputs         = 2048
	maxInputTokens    = 8192
)

type embeddingRequest struct {
	Model          string          `json:"model"`
	Input          json.RawMessage `json:"input"`
	Dimensions     *int            `json:"dimensions"`
	EncodingFormat string          `json:"encoding_format"`
}

func (e *engine) embeddings(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	r, inputs, refusal := readEmbeddings(c)
	if refusal != nil {
		return refusal.response(c), nil
	}
	if err := pause(ctx, p.firstToken()); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	size, tokens := defaultDimensions, 0
	if r.Dimensions != nil {
		size = *r.Dimensions
	}
	data := make([]any, len(inputs))
	for i, pieces := range inputs {
		tokens += len(pieces)
		data[i] = map[string]any{"object": "embedding", "index": i, "embedding": encode(vector(pieces, size), r.EncodingFormat)}
	}
	out := map[string]any{"object": "list", "data": data, "model": r.Model}
	if p.fault != faultNoUsage {
		out["usage"] = map[string]int{"prompt_tokens": tokens, "total_tokens": tokens}
	}
	return e.whole(c, []byte(compact(out)), p), nil
}

// readEmbeddings reads and checks a request; each input is in tokens.
func readEmbeddings(c *provider.Call) (*embeddingRequest, [][]string, *failure) {
	facts, err := wire.PeekEmbeddings(c.Body)
	if err != nil {
		return nil, nil, refusalOf(err)
	}
	if !is(facts.Model, embeddingModel) {
		return nil, nil, unknownModel(facts.Model)
	}
	var r embeddingRequest
	if err := json.Unmarshal(c.Body, &r); err != nil {
		return nil, nil, typeRefusal(err)
	}
	if r.Dimensions != nil && (*r.Dimensions < 1 || *r.Dimensions > maxDimensions) {
		return nil, nil, bad("dimensions", "invalid_value", fmt.Sprintf("Invalid 'dimensions': expected an integer from 1 to %d.", maxDimensions))
	}
	if r.EncodingFormat != "" && r.EncodingFormat != "float" && r.EncodingFormat != "base64" {
		return nil, nil, bad("encoding_format", "invalid_value", "Invalid 'encoding_format': expected float or base64.")
	}
	inputs, ok := readInputs(r.Input)
	if !ok || len(inputs) > maxInputs {
		return nil, nil, bad("input", "invalid_value", fmt.Sprintf("'input' must be a text or tokens, or up to %d of them, none empty.", maxInputs))
	}
	for _, pieces := range inputs {
		if len(pieces) > maxInputTokens {
			return nil, nil, bad("input", codeContextLength, fmt.Sprintf("This model's maximum context length is %d tokens.", maxInputTokens))
		}
	}
	return &r, inputs, nil
}

// readInputs reads a text, texts, tokens, or lists of tokens.
func readInputs(raw json.RawMessage) ([][]string, bool) {
	if one, ok := readInput(raw); ok {
		return [][]string{one}, true
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		return nil, false
	}
	out := make([][]string, len(many))
	for i, raw := range many {
		var ok bool
		if out[i], ok = readInput(raw); !ok {
			return nil, false
		}
	}
	return out, len(out) > 0
}

// readInput reads a text or tokens.
func readInput(raw json.RawMessage) ([]string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return cut(text), text != ""
	}
	var tokens []int64
	if json.Unmarshal(raw, &tokens) != nil {
		return nil, false
	}
	return numbers(tokens), len(tokens) > 0
}

func numbers(tokens []int64) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		out[i] = strconv.FormatInt(t, 10)
	}
	return out
}

// spread is how many dimensions a token has a say in.
const spread = 8

// vector is a unit vector in which each token adds to a few dimensions, so that texts which share words are close.
func vector(pieces []string, size int) []float32 {
	sum := make([]float64, size)
	for i := range sum {
		sum[i] = 1e-3 // so that the length is never zero
	}
	for _, piece := range pieces {
		h := fnv.New64a()
		_, _ = h.Write([]byte(piece))
		bits := h.Sum64()
		for range spread {
			bits ^= bits << 13
			bits ^= bits >> 7
			bits ^= bits << 17
			sum[bits%uint64(size)] += float64(int64(bits>>63)*2 - 1) //nolint:gosec // size is positive, the rest is one bit
		}
	}
	square := 0.0
	for _, v := range sum {
		square += v * v
	}
	out := make([]float32, size)
	for i, v := range sum {
		out[i] = float32(v / math.Sqrt(square))
	}
	return out
}

func encode(v []float32, format string) any {
	if format != "base64" {
		return v
	}
	raw := make([]byte, 0, 4*len(v))
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(raw)
}
