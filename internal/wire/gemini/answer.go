package gemini

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

const (
	aCandidates = iota
	aFeedback
	aUsage
	aError
	numAnswerKeys
)

var answerKeys = jsonscan.NewKeys("candidates", "promptFeedback", "usageMetadata", "error")

// response is an answer, or a piece of one, as far as it is looked at.
type response struct {
	body  []byte
	spans [numAnswerKeys]jsonscan.Field
}

// readResponse reads an answer; false when it is none.
func readResponse(body []byte) (response, bool) {
	r := response{body: body}
	if _, _, err := answerKeys.Scan(body, r.spans[:]); err != nil {
		return r, false
	}
	c := r.in(aCandidates)
	return r, len(c) == 0 || c[0] == '['
}

// in returns a member; empty when it is absent or null.
func (r *response) in(key int) []byte {
	if span := r.spans[key]; span.Found() && !jsonscan.IsNull(r.body, span) {
		return span.In(r.body)
	}
	return nil
}

// says reports whether there is anything in the answer that belongs to one.
func (r *response) says() bool {
	return len(r.in(aCandidates)) > 0 || isObject(r.in(aFeedback)) || isObject(r.in(aUsage))
}

// isBlocked reports whether the prompt was refused: then there are no candidates.
func (r *response) isBlocked() bool {
	c := r.in(aCandidates)
	if len(c) > 0 && !emptyArray(c) {
		return false
	}
	for m := jsonscan.AnyMembers(r.in(aFeedback)); m.Next(); {
		if is(m.Key, "blockReason", "block_reason") && len(unquoted(m.Value)) > 0 {
			return true
		}
	}
	return false
}

// Answer meters a whole answer. One whose prompt was blocked is complete, and charged for its input.
func (Generate) Answer(body []byte) (wire.Metered, bool) {
	r, ok := readResponse(body)
	if !ok || isObject(r.in(aError)) || !r.says() {
		return wire.Metered{}, false
	}
	var m wire.Metered
	m.Usage, m.Known = Usage(r.in(aUsage))
	var t tally
	t.count(r.in(aCandidates))
	m.Usage.Quantities[inference.Search] = t.searches
	if !m.Known {
		m.OutputTokens = t.tokens()
	}
	return m, true
}

// CountAnswer counts the texts and calls of a whole answer by a model's vocabulary.
func (Generate) CountAnswer(body []byte, family tokens.Family) int64 {
	r, _ := readResponse(body)
	t := tally{counter: tokens.New(family)}
	t.count(r.in(aCandidates))
	return t.counter.Total()
}

// tally counts what candidates say.
type tally struct {
	text, thoughts openai.Count
	searches       int64
	finished       uint64          // the candidates that have a finish reason, by index
	counter        *tokens.Counter // nil: nobody counts by a vocabulary
}

func (t *tally) tokens() int64 { return t.text.Tokens() + t.thoughts.Tokens() }

func (t *tally) count(candidates []byte) {
	for it := jsonscan.AnyElements(candidates); it.Next(); {
		t.candidate(it.Value)
	}
}

func (t *tally) candidate(candidate []byte) {
	index, finished := int64(0), false
	for m := jsonscan.AnyMembers(candidate); m.Next(); {
		switch string(m.Key) {
		case "content":
			t.content(m.Value)
		case "index":
			index, _ = jsonscan.Int(m.Value, jsonscan.Field{End: len(m.Value)})
		case "finishReason":
			reason := string(unquoted(m.Value))
			finished = reason != "" && reason != "FINISH_REASON_UNSPECIFIED"
		case "groundingMetadata":
			t.searches = max(t.searches, searches(m.Value))
		}
	}
	if finished {
		t.finished |= 1 << (uint64(index) & 63)
	}
}

// searches are those that an answer is grounded on: Google tells the queries, or else only what was found.
func searches(metadata []byte) (n int64) {
	found := int64(0)
	for m := jsonscan.AnyMembers(metadata); m.Next(); {
		switch string(m.Key) {
		case "webSearchQueries":
			for it := jsonscan.AnyElements(m.Value); it.Next(); {
				n++
			}
		case "groundingChunks":
			if !emptyArray(m.Value) {
				found = 1
			}
		}
	}
	return max(n, found)
}

// content counts the texts, calls and code of a content. A thought is told by a member beside its text.
func (t *tally) content(content []byte) {
	for m := jsonscan.AnyMembers(content); m.Next(); {
		if string(m.Key) != "parts" {
			continue
		}
		for it := jsonscan.AnyElements(m.Value); it.Next(); {
			t.part(it.Value)
		}
	}
}

func (t *tally) part(part []byte) {
	to := &t.text
	for m := jsonscan.AnyMembers(part); m.Next(); {
		if string(m.Key) == "thought" && string(m.Value) == "true" {
			to = &t.thoughts
		}
	}
	for m := jsonscan.AnyMembers(part); m.Next(); {
		switch string(m.Key) {
		case "text":
			t.add(to, unquoted(m.Value))
		case "functionCall", "executableCode", "codeExecutionResult":
			for call := jsonscan.AnyMembers(m.Value); call.Next(); {
				t.add(to, call.Value)
			}
		}
	}
}

func (t *tally) add(to *openai.Count, raw []byte) {
	if t.counter != nil {
		t.counter.Add(spoken(raw))
		return
	}
	to.AddPiece(raw)
}

// spoken is the text that the inside of a JSON string stands for.
func spoken(raw []byte) string {
	if s := text(append(append([]byte{'"'}, raw...), '"')); s != "" {
		return s
	}
	return string(raw)
}
