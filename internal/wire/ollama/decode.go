package ollama

import (
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// reply is an answer, or one line of a stream.
type reply struct {
	model, created, reason, failure string
	content, thinking               string
	calls                           []inference.Part
	done, answered                  bool
	// Counts are negative where they are not told.
	prompted, evaluated int64
}

func read(data []byte) (reply, error) {
	r := reply{prompted: -1, evaluated: -1}
	doc, err := jsondoc.Parse(data)
	if err != nil {
		return r, err
	}
	return r, doc.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "model":
			return v.Text(&r.model)
		case "created_at":
			return v.Text(&r.created)
		case "done_reason":
			return v.Text(&r.reason)
		case "done":
			return v.Truth(&r.done)
		case "error":
			return r.fails(v)
		case "prompt_eval_count":
			return v.Whole(&r.prompted)
		case "eval_count":
			return v.Whole(&r.evaluated)
		case "message":
			r.answered = v.Given()
			return v.Members(r.member)
		}
		return nil
	})
}

// fails reads an error, which is a text, or an object at the port that speaks OpenAI's dialect.
func (r *reply) fails(v jsondoc.Value) error {
	if !v.IsObject() {
		return v.Text(&r.failure)
	}
	return v.Members(func(key string, v jsondoc.Value) error {
		if key == "message" {
			return v.Text(&r.failure)
		}
		return nil
	})
}

func (r *reply) member(key string, v jsondoc.Value) error {
	switch key {
	case "content":
		return v.Text(&r.content)
	case "thinking":
		return v.Text(&r.thinking)
	case "tool_calls":
		return v.Elements(func(v jsondoc.Value) error {
			p, err := call(v)
			r.calls = append(r.calls, p)
			return err
		})
	}
	return nil
}

// call reads a call. Older servers give it no id.
func call(v jsondoc.Value) (inference.Part, error) {
	p := inference.Part{Kind: inference.PartCall, Call: &inference.Call{}}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "id":
			return v.Text(&p.Call.ID)
		case "function":
			return v.Members(func(key string, v jsondoc.Value) error {
				switch key {
				case "name":
					return v.Text(&p.Call.Name)
				case "arguments":
					p.Text = string(v.Raw)
				}
				return nil
			})
		}
		return nil
	})
	if err == nil && p.Call.Name == "" {
		err = errNoAnswer
	}
	if p.Call.ID == "" {
		p.Call.ID = "call_" + id.New().String()
	}
	return p, err
}

// maxTokens is the highest figure that is believed.
const maxTokens = 1_000_000_000

// usage is what was used. A prompt that was in the cache is not counted, and then nothing is told.
func (r *reply) usage() (u inference.Usage, told bool) {
	if r.prompted <= 0 || r.evaluated < 0 || r.prompted > maxTokens || r.evaluated > maxTokens {
		return inference.Usage{}, false
	}
	u.Quantities[inference.TextInput], u.Quantities[inference.TextOutput] = r.prompted, r.evaluated
	return u, true
}

func (r *reply) stop(calls bool) inference.Stop {
	switch {
	case r.reason == "length":
		return inference.StopLength
	case calls:
		return inference.StopTools
	}
	return inference.StopEnd
}

// at is when the answer was made; 0 where that cannot be read.
func (r *reply) at() int64 {
	t, err := time.Parse(time.RFC3339Nano, r.created)
	if err != nil {
		return 0
	}
	return t.Unix()
}

// DecodeAnswer reads a whole answer.
func (codec) DecodeAnswer(body []byte) (*inference.Answer, error) {
	r, err := read(body)
	if err == nil && (!r.answered || !r.done || r.failure != "") {
		err = errNoAnswer
	}
	if err != nil {
		return nil, err
	}
	c := inference.Candidate{Stop: r.stop(len(r.calls) > 0)}
	for _, t := range []struct {
		kind inference.PartKind
		text string
	}{{inference.PartReasoning, r.thinking}, {inference.PartText, r.content}} {
		if t.text != "" {
			c.Parts = append(c.Parts, inference.Part{Kind: t.kind, Text: t.text})
		}
	}
	c.Parts = append(c.Parts, r.calls...)
	a := &inference.Answer{Model: r.model, Created: r.at(), Candidates: []inference.Candidate{c}}
	a.Usage, a.HasUsage = r.usage()
	return a, nil
}
