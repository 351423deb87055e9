package openai

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// Rerank is the format of requests to rank documents. OpenAI has none: it is the one that Jina made and that servers of models
// speak. Source: the provider sheet "rerank-jina-cohere".
var Rerank wire.Format = rerankFormat{}

type rerankFormat struct{ plainFormat }

// What one search is: a query with so many documents, of which long ones count as several.
const (
	searchDocuments = 100
	documentTokens  = 500
)

// Kind returns inference.Rerank.
func (rerankFormat) Kind() inference.Kind { return inference.Rerank }

// Peek reads a request.
func (rerankFormat) Peek(body []byte) (wire.Ask, error) {
	f, err := PeekRerank(body)
	if err != nil {
		return wire.Ask{Model: f.Model}, requestFault(err)
	}
	a := wire.Ask{
		Model: f.Model, Choices: 1, InputBound: f.BoundInput(0), StickyKey: f.User, Simulation: f.SimulationMode,
		ServiceClass: f.ServiceTier, FormatFacts: &f, Searches: f.searches(), Inputs: int64(len(f.Documents)),
	}
	return a, nil
}

// searches is how many searches the request can count as.
func (f *RerankFacts) searches() int64 {
	parts := int64(0)
	for _, d := range f.Documents {
		parts += int64(len(d)+len(f.Query))/documentTokens + 1
	}
	return (parts + searchDocuments - 1) / searchDocuments
}

func rerankFacts(a *wire.Ask) *RerankFacts {
	return a.FormatFacts.(*RerankFacts) //nolint:forcetypeassert // what Peek stored
}

// InputTokens estimates the documents, each with the query.
func (rerankFormat) InputTokens(_ []byte, a *wire.Ask) int64 {
	f := rerankFacts(a)
	n := EstimateTokens(f.Query) * int64(len(f.Documents))
	for _, d := range f.Documents {
		n += EstimateTokens(d)
	}
	return n
}

// CountInput counts the documents, each with the query, by a model's vocabulary.
func (rerankFormat) CountInput(_ []byte, a *wire.Ask, family tokens.Family) int64 {
	f := rerankFacts(a)
	n := tokens.Count(family, spoken(f.Query)) * int64(len(f.Documents))
	for _, d := range f.Documents {
		n += tokens.Count(family, spoken(d))
	}
	return n
}

// CountAnswer returns nothing: scores are not text.
func (rerankFormat) CountAnswer([]byte, tokens.Family) int64 { return 0 }

// Text returns the query.
func (rerankFormat) Text(_ []byte, a *wire.Ask, limit int) string {
	query := rerankFacts(a).Query
	return beginning(fieldText(query), limit)
}

// Edit exchanges the model, and asks for no more results than there are documents, which some upstreams refuse.
func (f rerankFormat) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	facts := rerankFacts(a)
	if facts.TopN <= int64(len(facts.Documents)) {
		return f.plainFormat.Edit(dst, body, a, c)
	}
	edits := []jsonscan.Edit{{Field: facts.top, Text: strconv.AppendInt(nil, int64(len(facts.Documents)), 10)}}
	if c.Model != "" {
		edits = append(edits, jsonscan.Edit{Field: facts.spans[keyModel], Text: jsondoc.AppendString(nil, c.Model)})
	}
	if facts.spans[keyRunMode].Found() {
		edits = append(edits, jsonscan.Edit{Field: jsonscan.Member(body, facts.spans[keyRunMode])})
	}
	return jsonscan.Apply(dst, body, edits...)
}

// Answer takes no answers: they are metered with their request.
func (rerankFormat) Answer([]byte) (wire.Metered, bool) { return wire.Metered{}, false }

var (
	rankingKeys = jsonscan.NewKeys("results", "usage", "meta", "error")
	metaKeys    = jsonscan.NewKeys("billed_units", "tokens")
	billedKeys  = jsonscan.NewKeys("search_units", "input_tokens")
)

// AnswerTo takes a list of results. Searches and tokens are the upstream's own where it tells them.
func (f rerankFormat) AnswerTo(a *wire.Ask, body []byte) (wire.Metered, bool) {
	var out [4]jsonscan.Field
	_, _, err := rankingKeys.Scan(body, out[:])
	if err != nil || !out[0].Found() || body[out[0].Start] != '[' || out[3].Found() && !jsonscan.IsNull(body, out[3]) {
		return wire.Metered{}, false
	}
	m := wire.Metered{Known: true}
	q := &m.Usage.Quantities
	q[inference.Search], q[inference.TextInput] = ranked(out[2].In(body))
	if tokens, ok := rankingTokens(out[1].In(body)); ok {
		q[inference.TextInput] = tokens
	}
	if q[inference.Search] == 0 {
		q[inference.Search] = int64(len(rerankFacts(a).Documents)+searchDocuments-1) / searchDocuments
		m.Guessed |= inference.ResourcesOf(inference.Search)
	}
	if q[inference.TextInput] == 0 {
		q[inference.TextInput] = f.InputTokens(nil, a)
		m.Guessed |= inference.ResourcesOf(inference.TextInput)
	}
	return m, true
}

// ranked reads what Cohere and SiliconFlow tell.
func ranked(meta []byte) (searches, tokens int64) {
	if !isObject(meta) {
		return 0, 0
	}
	var out [2]jsonscan.Field
	if _, _, err := metaKeys.Scan(meta, out[:]); err != nil {
		return 0, 0
	}
	searches, tokens = billed(out[0].In(meta))
	if tokens == 0 {
		_, tokens = billed(out[1].In(meta))
	}
	return searches, tokens
}

func billed(object []byte) (searches, tokens int64) {
	if !isObject(object) {
		return 0, 0
	}
	var out [2]jsonscan.Field
	if _, _, err := billedKeys.Scan(object, out[:]); err != nil {
		return 0, 0
	}
	return figure(object, out[0]), figure(object, out[1])
}

// figure reads a number that is believed; 0 for any other.
func figure(body []byte, span jsonscan.Field) int64 {
	if !span.Found() {
		return 0
	}
	n, err := jsonscan.Int(body, span)
	if err != nil || n < 0 || n > maxTokens {
		return 0
	}
	return n
}

var rankingUsageKeys = jsonscan.NewKeys("total_tokens", "prompt_tokens")

// rankingTokens reads the usage: the total, of which there is nothing but input.
func rankingTokens(object []byte) (int64, bool) {
	if !isObject(object) {
		return 0, false
	}
	var out [2]jsonscan.Field
	if _, _, err := rankingUsageKeys.Scan(object, out[:]); err != nil {
		return 0, false
	}
	n := max(figure(object, out[0]), figure(object, out[1]))
	return n, n > 0
}

// ContentType returns that of JSON.
func (rerankFormat) ContentType(*wire.Ask, string) string { return "application/json" }

// Meter returns a meter that lets everything pass; rankings are not streamed.
func (rerankFormat) Meter(wire.MeterOptions) wire.Meter { return &meter{} }

var (
	_ wire.Answerer = rerankFormat{}
	_ wire.Counting = rerankFormat{}
	_ wire.Texter   = rerankFormat{}
)
