package openai

import (
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// promptWriter writes one request. It keeps the first loss that was refused; what is written after that does not matter.
type promptWriter struct {
	responsePen

	p      *inference.Prompt
	losses *wire.Losses
	// returnReasoning says that the upstream wants to see all reasoning again, also what it did not seal.
	returnReasoning bool
	// likely says that the tokens of the answer are wanted, with how likely they were.
	likely bool
	// extras are members of this format that the pivot has no words for, by the path of the object that had them.
	extras map[string][]*inference.Rest
	err    error
}

// leastOutput is the lowest limit on output tokens that upstreams take.
const leastOutput = 16

// EncodeRequest writes a request for an upstream. Where the prompt does not say whether to store the answer it is not stored:
// in this format alone it would be otherwise.
func (responsesCodec) EncodeRequest(p *inference.Prompt, o wire.EncodeOptions, l *wire.Losses) ([]byte, error) {
	e := promptWriter{p: p, losses: l, returnReasoning: o.ReturnReasoning}
	e.open()
	e.text("model", p.Model)
	e.sortRest()
	e.system()
	e.limits()
	e.sampling()
	e.output()
	e.reasoning()
	e.tools()
	e.state()
	e.include()
	e.more("")
	e.leftOver()
	e.close('}')
	return e.B, e.err
}

func (e *promptWriter) lost(err error) {
	if e.err == nil {
		e.err = err
	}
}

// parameter notes one that cannot be said, if it was given.
func (e *promptWriter) parameter(path, value, reason string) {
	if value != "" {
		e.lost(e.losses.Parameter(path, value, reason))
	}
}

// chatShares are members that both formats of the dialect have, with one meaning, and the pivot has not.
var chatShares = nameSet([]string{"prompt_cache_retention", "prompt_cache_options", "moderation"})

func (e *promptWriter) sortRest() {
	for i := range e.p.Rest {
		rest := &e.p.Rest[i]
		if !isResponseRest(rest) && (rest.Dialect != inference.OpenAI || !chatShares[rest.Path]) {
			e.parameter(rest.Path, string(rest.Value), "The protocol of the upstream has no such parameter.")
			continue
		}
		if e.extras == nil {
			e.extras = map[string][]*inference.Rest{}
		}
		parent := ""
		if at := strings.LastIndexByte(rest.Path, '.'); at >= 0 {
			parent = rest.Path[:at]
		}
		e.extras[parent] = append(e.extras[parent], rest)
	}
}

// more writes what the object at path had beyond what the pivot says. It is written once.
func (e *promptWriter) more(path string) {
	for _, rest := range e.extras[path] {
		e.raw(rest.Path[strings.LastIndexByte(rest.Path, '.')+1:], rest.Value)
	}
	delete(e.extras, path)
}

// extra takes out one member that needs a closer look.
func (e *promptWriter) extra(name string) []byte {
	for i, rest := range e.extras[""] {
		if rest.Path == name {
			e.extras[""] = append(e.extras[""][:i:i], e.extras[""][i+1:]...)
			return rest.Value
		}
	}
	return nil
}

// leftOver tells of members whose object did not go out.
func (e *promptWriter) leftOver() {
	for i := range e.p.Rest {
		rest := &e.p.Rest[i]
		at := strings.LastIndexByte(rest.Path, '.')
		if at < 0 || e.extras[rest.Path[:at]] == nil {
			continue
		}
		e.parameter(rest.Path, string(rest.Value), "What it belongs to is not in the request.")
	}
}

// system writes what precedes the conversation: the first text as instructions, the rest as a message of the system.
func (e *promptWriter) system() {
	parts := e.p.System
	if len(parts) > 0 && isResponseRest(parts[0].Other) && parts[0].Path == askNames[askPrompt] {
		e.raw("prompt", parts[0].Other.Value)
		parts = parts[1:]
	}
	more := len(parts) > 1 || len(e.p.Turns) > 0 || e.continues() // upstreams do not take instructions alone
	if more && len(parts) > 0 && parts[0].Kind == inference.PartText && parts[0].Cache == nil && parts[0].Text != "" {
		e.text("instructions", parts[0].Text)
		parts = parts[1:]
	}
	if len(parts) == 0 && len(e.p.Turns) == 0 {
		return
	}
	e.array("input")
	e.turn(&inference.Turn{Role: inference.RoleSystem, Parts: parts})
	for i := range e.p.Turns {
		e.turn(&e.p.Turns[i])
	}
	e.close(']')
}

// continues reports whether the upstream knows of more than the prompt says.
func (e *promptWriter) continues() bool { return e.p.PreviousID != "" || e.p.Conversation != "" }

// limits writes what bounds the answer. Servers that have other names for it have them for chat completions.
func (e *promptWriter) limits() {
	if e.p.Stream {
		e.boolean("stream", true)
	}
	name := askNames[askMaxOutput]
	limit := e.p.MaxOutput
	if limit > 0 && limit < leastOutput {
		e.losses.Changed(name, strconv.FormatInt(limit, 10), strconv.Itoa(leastOutput), "The upstream takes no lower limit.")
		limit = leastOutput
	}
	if limit > 0 {
		e.integer(name, limit)
	}
	if e.p.Choices > 1 {
		e.lost(e.losses.Content("n", strconv.FormatInt(e.p.Choices, 10), "The protocol of the upstream gives one answer."))
	}
	for _, m := range e.p.Output.Modalities {
		if m != "text" {
			e.lost(e.losses.Content("modalities", m, "The protocol of the upstream answers with text."))
		}
	}
}

func (e *promptWriter) sampling() {
	const reason = "The protocol of the upstream has no such parameter."
	s, err := samplingFor(e.p, e.losses)
	e.lost(err)
	e.number("temperature", s.Temperature, "")
	e.number("top_p", s.TopP, "")
	e.parameter("top_k", string(s.TopK), reason)
	e.parameter("seed", string(s.Seed), reason)
	e.parameter("presence_penalty", string(s.PresencePenalty), reason)
	e.parameter("frequency_penalty", string(s.FrequencyPenalty), reason)
	e.parameter("stop", strings.Join(e.p.Stop, ", "), reason)
	e.likely = s.TopLogprobs != nil
	if n := s.TopLogprobs; n != nil && *n > 0 {
		e.integer("top_logprobs", *n)
	}
}

// state writes who and what the request belongs to.
func (e *promptWriter) state() {
	e.given("previous_response_id", e.p.PreviousID)
	e.given("conversation", e.p.Conversation)
	switch {
	case e.p.Store != nil:
		e.boolean("store", *e.p.Store)
	case !e.continues():
		e.boolean("store", false)
	}
	if len(e.p.Metadata) > 0 {
		e.raw("metadata", e.p.Metadata)
	}
	e.given("prompt_cache_key", e.p.CacheKey)
	user := askNames[askUser]
	for _, rest := range e.extras[""] {
		if rest.Path == user { // both were given
			user = askNames[askSafety]
			break
		}
	}
	e.given(user, e.p.User)
	tier := e.p.ServiceTier
	if tier == "standard_only" { // as Anthropic calls it
		e.losses.Changed("service_tier", tier, "default", "The upstream's name for it.")
		tier = "default"
	}
	e.given("service_tier", tier)
}

// include writes what the answer shall show more of.
func (e *promptWriter) include() {
	left := e.extra(askNames[askInclude])
	if !e.p.Reasoning.Seals && !e.likely && left == nil {
		return
	}
	e.array("include")
	if e.p.Reasoning.Seals {
		e.element(includeSeals)
	}
	if e.likely {
		e.element(includeLogprobs)
	}
	for it := jsonscan.AnyElements(left); it.Next(); {
		e.rawElement(it.Value)
	}
	e.close(']')
}

// output writes the form of the text.
func (e *promptWriter) output() {
	o := &e.p.Output
	if o.Kind == inference.OutputText && e.p.Verbosity == "" && e.extras["text"] == nil {
		return
	}
	e.object("text")
	if o.Kind != inference.OutputText {
		e.format(o)
	}
	e.given("verbosity", e.p.Verbosity)
	e.more("text")
	e.close('}')
}

func (w *responsePen) format(o *inference.Output) {
	w.object("format")
	switch o.Kind {
	case inference.OutputText:
		w.text("type", "text")
	case inference.OutputJSON:
		w.text("type", "json_object")
	case inference.OutputSchema:
		name := o.Name
		if name == "" { // other dialects do not name it
			name = "answer"
		}
		w.text("type", "json_schema")
		w.text("name", name)
		w.given("description", o.Description)
		w.raw("schema", orRaw(o.Schema, rawEmptyObject))
		if o.Strict != nil {
			w.boolean("strict", *o.Strict)
		}
	}
	w.close('}')
}

// reasoning writes how much the model shall think. A budget becomes the effort that comes nearest.
func (e *promptWriter) reasoning() {
	r := &e.p.Reasoning
	effort, err := effortFor(e.p, e.losses)
	e.lost(err)
	summary := r.Summary
	if summary == "hidden" {
		summary = ""
	}
	if effort == "" && summary == "" && e.extras["reasoning"] == nil {
		return
	}
	e.object("reasoning")
	e.given("effort", effort)
	e.given("summary", summary)
	e.more("reasoning")
	e.close('}')
}
