package bedrock

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// stops are the reasons for which answers end.
var stops = map[string]inference.Stop{
	"end_turn": inference.StopEnd, "tool_use": inference.StopTools, "max_tokens": inference.StopLength,
	"stop_sequence": inference.StopSequence, "guardrail_intervened": inference.StopRefusal, "content_filtered": inference.StopRefusal,
	"model_context_window_exceeded": inference.StopContext,
}

// stopOf reads a reason; one that is not known is an end like any other.
func stopOf(reason string) inference.Stop {
	if s, ok := stops[reason]; ok || reason == "" {
		return s
	}
	return inference.StopEnd
}

// DecodeAnswer reads a whole answer.
func (codec) DecodeAnswer(body []byte) (*inference.Answer, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	a := &inference.Answer{}
	var c inference.Candidate
	answered := false
	err = doc.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "output":
			return v.Members(func(key string, v jsondoc.Value) error {
				if key != "message" {
					return nil
				}
				answered = true
				c.Parts, err = message(v)
				return err
			})
		case "stopReason":
			var reason string
			err = v.Text(&reason)
			c.Stop = stopOf(reason)
		case "usage":
			a.Usage, a.HasUsage, err = usageOf(v)
		}
		return err
	})
	if err == nil && !answered {
		err = errNoAnswer
	}
	a.Candidates = []inference.Candidate{c}
	return a, err
}

func message(v jsondoc.Value) (parts []inference.Part, err error) {
	err = v.Members(func(key string, v jsondoc.Value) error {
		if key != "content" {
			return nil
		}
		return v.Elements(func(v jsondoc.Value) error {
			p, err := block(v)
			parts = append(parts, p)
			return err
		})
	})
	return parts, err
}

// block reads one block of an answer; one that is not known is kept.
func block(v jsondoc.Value) (p inference.Part, err error) {
	p = inference.Part{Kind: inference.PartOther, Other: &inference.Rest{
		Dialect: inference.Bedrock, Kind: inference.Chat, Path: v.Path, Value: v.Raw,
	}}
	err = v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "text":
			p = inference.Part{Kind: inference.PartText}
			return v.Text(&p.Text)
		case "toolUse":
			p, err = toolUse(v)
		case "reasoningContent":
			p, err = reasoningContent(v)
		}
		return err
	})
	return p, err
}

func toolUse(v jsondoc.Value) (inference.Part, error) {
	p := inference.Part{Kind: inference.PartCall, Call: &inference.Call{}}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "toolUseId":
			return v.Text(&p.Call.ID)
		case "name":
			return v.Text(&p.Call.Name)
		case "input":
			p.Text = string(v.Raw)
		}
		return nil
	})
	if err == nil && p.Call.ID == "" {
		err = errNoAnswer
	}
	return p, err
}

// reasoningContent reads reasoning, of a whole answer or of a delta: a delta has the text where an answer has an object.
func reasoningContent(v jsondoc.Value) (inference.Part, error) {
	p := inference.Part{Kind: inference.PartReasoning}
	var read func(key string, v jsondoc.Value) error
	read = func(key string, v jsondoc.Value) error {
		switch key {
		case "reasoningText":
			return v.Members(read)
		case "text":
			return v.Text(&p.Text)
		case "signature", "redactedContent":
			p.Seal = &inference.Seal{Dialect: inference.Bedrock, Whole: key == "redactedContent"}
			return v.Text(&p.Seal.Data)
		}
		return nil
	}
	return p, v.Members(read)
}

// maxTokens is the highest figure that is believed.
const maxTokens = 1_000_000_000

// usageOf reads usage. The cache's tokens are not in the input's here. A figure that cannot be makes all of them untold.
func usageOf(v jsondoc.Value) (u inference.Usage, told bool, err error) {
	told = v.Given()
	resources := map[string]inference.Resource{
		"inputTokens": inference.TextInput, "outputTokens": inference.TextOutput, "cacheReadInputTokens": inference.TextInputCached,
		"cacheWriteInputTokens": inference.TextCacheWrite,
	}
	err = v.Members(func(key string, v jsondoc.Value) error {
		r, ok := resources[key]
		if !ok {
			return nil
		}
		n, err := v.Int()
		u.Quantities[r] = n
		told = told && err == nil && n >= 0 && n <= maxTokens
		return nil
	})
	if !told || u.IsZero() {
		return inference.Usage{}, false, err
	}
	return u, true, err
}
