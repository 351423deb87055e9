package fakeopenai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
)

var embeddingParams = []string{"model", "input", "encoding_format", "dimensions", "user"}

func (s *Server) embeddings(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, embeddingParams)
	if fault != nil {
		fault.write(w)
		return
	}
	model, _, step, fault := s.checkModel(p)
	if fault == nil && !strings.HasPrefix(model, "text-embedding") {
		fault = &apiError{Status: 403, Message: "You are not allowed to generate embeddings from this model"}
	}
	var answer map[string]any
	if fault == nil {
		answer, fault = embed(p, model)
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if !e.obey(step, false) {
		e.sendWhole(answer, step)
	}
}

func embed(p params, model string) (map[string]any, *apiError) {
	inputs, fault := p.inputs()
	if fault != nil {
		return nil, fault
	}
	size := map[string]int{"text-embedding-3-large": 3072}[model]
	if size == 0 {
		size = 1536
	}
	if n, ok, fault := p.integer("dimensions", 1, int64(size)); fault != nil {
		return nil, fault
	} else if ok {
		size = int(n)
	}
	format, isText := p["encoding_format"].(string)
	if p["encoding_format"] != nil && (!isText || format != "float" && format != "base64") {
		return nil, invalid("encoding_format", "invalid_value", "Invalid value for 'encoding_format': expected 'float' or 'base64'.")
	}
	count, data := 0, make([]any, len(inputs))
	for i, input := range inputs {
		count += len(tokens(input))
		data[i] = map[string]any{"object": "embedding", "index": i, "embedding": encode(vector(input, size), format)}
	}
	return map[string]any{
		"object": "list", "data": data, "model": model, "usage": map[string]int{"prompt_tokens": count, "total_tokens": count},
	}, nil
}

// inputs are the texts to embed; token arrays are read as texts of numbers.
func (p params) inputs() ([]string, *apiError) {
	empty := invalid("input", "invalid_value", "'input' cannot be an empty string or array.")
	switch input := p["input"].(type) {
	case nil:
		return nil, invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	case string:
		if input == "" {
			return nil, empty
		}
		return []string{input}, nil
	case []any:
		if len(input) == 0 || len(input) > 2048 {
			return nil, empty
		}
		if _, isToken := input[0].(json.Number); isToken {
			return []string{numbers(input)}, nil
		}
		out := make([]string, len(input))
		for i, v := range input {
			if list, isList := v.([]any); isList {
				out[i] = numbers(list)
			} else if out[i], _ = v.(string); out[i] == "" {
				return nil, empty
			}
		}
		return out, nil
	}
	return nil, invalid("input", "invalid_type", "Invalid type for 'input': expected a string or an array.")
}

func numbers(list []any) string {
	var b strings.Builder
	for _, v := range list {
		if n, ok := v.(json.Number); ok {
			b.WriteString(" " + n.String())
		}
	}
	return b.String()
}

// vector is a unit vector that depends on the text alone.
func vector(text string, size int) []float32 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	source := rand.New(rand.NewPCG(h.Sum64(), 1))
	out, square := make([]float32, size), 0.0
	for i := range out {
		v := source.NormFloat64()
		out[i] = float32(v)
		square += v * v
	}
	for i := range out {
		out[i] /= float32(math.Sqrt(square))
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
