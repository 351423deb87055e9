package openai

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
)

// echoed are members of the request that responses repeat and the pivot has no words for, with what they are otherwise.
var echoed = [...]struct{ name, otherwise string }{
	{"truncation", `"disabled"`}, {"max_tool_calls", "null"}, {"prompt_cache_retention", "null"},
}

// echo returns the members of a response that repeat its request: SDKs take most of them for granted.
func echo(p *inference.Prompt) []byte {
	w := responsePen{}
	w.instructions(p)
	w.raw("max_output_tokens", rawNumber(p.MaxOutput))
	w.raw("metadata", orRaw(p.Metadata, rawEmptyObject))
	w.boolean("parallel_tool_calls", !p.Serial)
	w.nullable("previous_response_id", p.PreviousID)
	w.nullable("prompt_cache_key", p.CacheKey)
	w.nullable("safety_identifier", p.User)
	w.nullable("user", p.User)
	w.object("reasoning")
	w.nullable("effort", p.Reasoning.Effort)
	w.nullable("summary", p.Reasoning.Summary)
	w.close('}')
	w.number("temperature", p.Temperature, "1")
	w.number("top_p", p.TopP, "1")
	w.echoText(p)
	w.echoTools(p)
	if p.Store != nil {
		w.boolean("store", *p.Store)
	}
	if p.TopLogprobs != nil {
		w.integer("top_logprobs", *p.TopLogprobs)
	}
	if p.Conversation != "" {
		w.object("conversation")
		w.text("id", p.Conversation)
		w.close('}')
	}
	for _, m := range echoed {
		w.raw(m.name, restValue(p, m.name, m.otherwise))
	}
	return w.B
}

func rawNumber(n int64) []byte {
	if n == 0 {
		return rawNull
	}
	return strconv.AppendInt(nil, n, 10)
}

func restValue(p *inference.Prompt, name, otherwise string) []byte {
	for i := range p.Rest {
		if isResponseRest(&p.Rest[i]) && p.Rest[i].Path == name {
			return p.Rest[i].Value
		}
	}
	return []byte(otherwise)
}

func (w *responsePen) instructions(p *inference.Prompt) {
	for i := range p.System {
		if part := &p.System[i]; part.Kind == inference.PartText && part.Path == askNames[askInstructions] {
			w.text("instructions", part.Text)
			return
		}
	}
	w.raw("instructions", rawNull)
}

func (w *responsePen) echoText(p *inference.Prompt) {
	verbosity := p.Verbosity
	if verbosity == "" {
		verbosity = "medium"
	}
	w.object("text")
	w.format(&p.Output)
	w.text("verbosity", verbosity)
	w.close('}')
}

func (w *responsePen) echoTools(p *inference.Prompt) {
	w.key("tool_choice")
	if raw := restValue(p, askNames[askToolChoice], ""); len(raw) > 0 {
		w.rawElement(raw)
	} else {
		w.choice(p)
	}
	w.array("tools")
	for i := range p.Tools {
		t := &p.Tools[i]
		switch {
		case t.Other == nil && t.Server == "":
			w.open()
			w.toolMembers(t)
			w.close('}')
		case isResponseRest(t.Other):
			w.rawElement(t.Other.Value)
		}
	}
	w.close(']')
}
