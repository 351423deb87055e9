package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// What a search is: a query with so many documents, of which long ones count as several.
const (
	searchDocuments = 100
	documentTokens  = 500
	rankSize        = 256 // dimensions in which texts are compared
)

// rank orders documents by how many words they share with the query.
func (e *engine) rank(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	f, err := wire.PeekRerank(c.Body)
	if err != nil {
		return refusalOf(err).response(c), nil
	}
	if !is(f.Model, rerankModel) {
		return unknownModel(f.Model).response(c), nil
	}
	if err := pause(ctx, p.firstToken()); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	query := cut(ranked(f.Query))
	seen := vector(lower(query), rankSize)
	results, tokens, parts := make([]ranking, len(f.Documents)), 0, 0
	for i, d := range f.Documents {
		pieces := cut(ranked(d))
		tokens += len(query) + len(pieces)
		parts += (len(query)+len(pieces))/documentTokens + 1
		results[i] = ranking{Index: i, Score: likeness(seen, vector(lower(pieces), rankSize))}
		if f.ReturnDocuments {
			results[i].Document = &rankedText{ranked(d)}
		}
	}
	slices.SortStableFunc(results, func(a, b ranking) int { return cmp.Compare(b.Score, a.Score) })
	out := map[string]any{
		"id": "rerank-sim" + hexOf(digestOf(string(c.Body))), "model": f.Model, "object": "list", "results": results[:f.Top()],
	}
	if p.fault != faultNoUsage {
		out["usage"] = map[string]int{"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
		out["meta"] = map[string]any{"billed_units": map[string]int{"search_units": (parts + searchDocuments - 1) / searchDocuments}}
	}
	return e.whole(c, []byte(compact(out)), p), nil
}

// ranking is one result.
type ranking struct {
	Index    int         `json:"index"`
	Score    float64     `json:"relevance_score"`
	Document *rankedText `json:"document,omitempty"`
}

type rankedText struct {
	Text string `json:"text"`
}

// ranked is the text of a query or a document.
func ranked(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object rankedText
	_ = json.Unmarshal(raw, &object) // one without a text is like an empty one
	return object.Text
}

func lower(pieces []string) []string {
	out := make([]string, len(pieces))
	for i, piece := range pieces {
		out[i] = strings.ToLower(strings.TrimSpace(piece))
	}
	return out
}

// likeness is how close two unit vectors are, from 0 to 1.
func likeness(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return max(0, min(1, sum))
}

func hexOf(n uint64) string { return strconv.FormatUint(n, 16) }
