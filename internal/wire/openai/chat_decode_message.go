package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// chatMessage is a message, or what an answer has in place of one.
type chatMessage struct {
	role, name, callID string
	content            []inference.Part
	reasoning          []inference.Part
	details            []inference.Part // the reasoning as reasoning_details tells it, which says more
	refusal            []inference.Part
	audio              []inference.Part
	calls              []inference.Part
	citations          []inference.Citation
}

// parts are what the message says, in the order in which a model makes them.
func (m *chatMessage) parts() []inference.Part {
	reasoning := m.reasoning
	if len(m.details) > 0 {
		reasoning = m.details
	}
	out := make([]inference.Part, 0, len(reasoning)+len(m.content)+len(m.refusal)+len(m.audio)+len(m.calls))
	out = append(out, reasoning...)
	out = append(out, m.content...)
	if n := len(out); len(m.citations) > 0 && n > 0 {
		out[n-1].Citations = append(out[n-1].Citations, m.citations...)
	}
	out = append(out, m.refusal...)
	out = append(out, m.audio...)
	return append(out, m.calls...)
}

func (d *chatDecoder) message(v jsondoc.Value) error {
	m, err := d.readMessage(v)
	if err != nil {
		return err
	}
	switch m.role {
	case "system", "developer":
		d.system(&m, v.Path)
	case "user":
		d.turn(inference.Turn{Role: inference.RoleUser, Parts: m.content, Name: m.name, Path: v.Path})
	case "assistant":
		d.turn(inference.Turn{Role: inference.RoleAssistant, Parts: m.parts(), Name: m.name, Path: v.Path})
	case "tool":
		if m.callID == "" {
			return required(v.Path+".tool_call_id", "A tool's result needs the id of its call.")
		}
		d.result(&m, v.Path)
	case "function":
		m.callID = d.legacy[m.name]
		d.result(&m, v.Path)
	default:
		return required(v.Path+".role", "Expected system, developer, user, assistant or tool.")
	}
	return nil
}

func (d *chatDecoder) turn(t inference.Turn) { d.p.Turns = append(d.p.Turns, t) }

// system takes instructions; those behind the first turn stay where they are.
func (d *chatDecoder) system(m *chatMessage, path string) {
	if len(d.p.Turns) == 0 {
		d.p.System = append(d.p.System, m.content...)
		return
	}
	d.turn(inference.Turn{Role: inference.RoleSystem, Parts: m.content, Name: m.name, Path: path})
}

// result puts the results of tools that follow each other into one turn.
func (d *chatDecoder) result(m *chatMessage, path string) {
	part := inference.Part{
		Kind: inference.PartResult, Result: &inference.Result{ID: m.callID, Name: m.name, Parts: m.content}, Path: path,
	}
	if n := len(d.p.Turns); n > 0 {
		last := &d.p.Turns[n-1]
		if k := len(last.Parts); last.Role == inference.RoleUser && k > 0 && last.Parts[k-1].Kind == inference.PartResult {
			last.Parts = append(last.Parts, part)
			return
		}
	}
	d.turn(inference.Turn{Role: inference.RoleUser, Parts: []inference.Part{part}, Path: path})
}

func (d *chatDecoder) readMessage(v jsondoc.Value) (chatMessage, error) {
	var m chatMessage
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		if !v.Given() {
			return nil
		}
		switch key {
		case "role":
			return v.Text(&m.role)
		case "name":
			return v.Text(&m.name)
		case "tool_call_id":
			return v.Text(&m.callID)
		case "content":
			m.content, err = chatContent(v)
		case "refusal":
			m.refusal, err = textPart(inference.PartRefusal, v)
		case "reasoning_content", "reasoning":
			if v.IsString() {
				m.reasoning, err = textPart(inference.PartReasoning, v)
			}
		case "reasoning_details":
			m.details, err = reasoningDetails(v)
		case "tool_calls":
			m.calls, err = d.calls(v)
		case "function_call":
			m.calls, err = d.legacyCall(v)
		case "annotations":
			m.citations, err = annotations(v)
		case "audio":
			m.audio, err = audioPart(v)
		}
		return err
	})
	return m, err
}

// textPart is a part of a kind that is one text; an empty one is none.
func textPart(kind inference.PartKind, v jsondoc.Value) ([]inference.Part, error) {
	text, err := v.String()
	if err != nil || text == "" {
		return nil, err
	}
	return []inference.Part{{Kind: kind, Text: text, Path: v.Path}}, nil
}

func chatContent(v jsondoc.Value) ([]inference.Part, error) {
	if v.IsString() {
		return textPart(inference.PartText, v)
	}
	var out []inference.Part
	err := v.Elements(func(v jsondoc.Value) error {
		p, err := chatPart(v)
		if err == nil && !(p.Kind == inference.PartText && p.Text == "" && p.Cache == nil) {
			out = append(out, p)
		}
		return err
	})
	return out, err
}

// reasoningDetails reads reasoning with its seals.
func reasoningDetails(v jsondoc.Value) ([]inference.Part, error) {
	var out []inference.Part
	err := v.Elements(func(v jsondoc.Value) error {
		var kind, text, signature, data, format string
		err := v.Members(func(key string, v jsondoc.Value) error {
			switch key {
			case "type":
				return v.Text(&kind)
			case "text", "summary":
				return v.Text(&text)
			case "signature":
				return v.Text(&signature)
			case "data":
				return v.Text(&data)
			case "format":
				return v.Text(&format)
			}
			return nil
		})
		p := inference.Part{Kind: inference.PartReasoning, Text: text, Path: v.Path}
		switch {
		case data != "":
			p.Seal = &inference.Seal{Dialect: sealDialect(format), Data: data, Whole: true}
		case signature != "":
			p.Seal = &inference.Seal{Dialect: sealDialect(format), Data: signature}
		}
		if p.Text != "" || p.Seal != nil {
			out = append(out, p)
		}
		return err
	})
	return out, err
}

// calls reads tool_calls.
func (d *chatDecoder) calls(v jsondoc.Value) ([]inference.Part, error) {
	var out []inference.Part
	err := v.Elements(func(v jsondoc.Value) error {
		p := inference.Part{Kind: inference.PartCall, Call: &inference.Call{}, Path: v.Path}
		err := v.Members(func(key string, v jsondoc.Value) error {
			switch key {
			case "id":
				return v.Text(&p.Call.ID)
			case "function", "custom":
				p.Call.Custom = key == "custom"
				return v.Members(func(key string, v jsondoc.Value) error { return callMember(&p, key, v) })
			case "extra_content":
				return callSeal(&p, v)
			}
			return nil
		})
		if p.Call.ID == "" {
			p.Call.ID = newCallID()
		}
		out = append(out, p)
		return err
	})
	return out, err
}

func callMember(p *inference.Part, key string, v jsondoc.Value) error {
	switch key {
	case "name":
		return v.Text(&p.Call.Name)
	case "arguments", "input":
		if v.IsObject() { // some servers forget to write the object as a text
			p.Text = string(v.Raw)
			return nil
		}
		return v.Text(&p.Text)
	}
	return nil
}

// callSeal reads extra_content.google.thought_signature.
func callSeal(p *inference.Part, v jsondoc.Value) error {
	return v.Members(func(key string, v jsondoc.Value) error {
		if key != "google" {
			return nil
		}
		return v.Members(func(key string, v jsondoc.Value) error {
			if key != "thought_signature" {
				return nil
			}
			data, err := v.String()
			p.Seal = &inference.Seal{Dialect: inference.Gemini, Data: data}
			return err
		})
	})
}

// legacyCall reads the function_call of a message, which has no id: the function's name ties it to its result.
func (d *chatDecoder) legacyCall(v jsondoc.Value) ([]inference.Part, error) {
	p := inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: newCallID()}, Path: v.Path}
	err := v.Members(func(key string, v jsondoc.Value) error { return callMember(&p, key, v) })
	if d.legacy == nil {
		d.legacy = map[string]string{}
	}
	d.legacy[p.Call.Name] = p.Call.ID
	return []inference.Part{p}, err
}

// annotations reads url_citations.
func annotations(v jsondoc.Value) ([]inference.Citation, error) {
	var out []inference.Citation
	err := v.Elements(func(v jsondoc.Value) error {
		var c inference.Citation
		var start, end int64
		err := v.Members(func(key string, v jsondoc.Value) error {
			if key != "url_citation" {
				return nil
			}
			return v.Members(func(key string, v jsondoc.Value) error {
				switch key {
				case "url":
					return v.Text(&c.URL)
				case "title":
					return v.Text(&c.Title)
				case "start_index":
					return v.Whole(&start)
				case "end_index":
					return v.Whole(&end)
				}
				return nil
			})
		})
		c.Start, c.End = int(start), int(end)
		if c.URL != "" {
			out = append(out, c)
		}
		return err
	})
	return out, err
}

// audioPart reads the audio of a message: in an answer its data and transcript, in a request the id of an earlier one.
func audioPart(v jsondoc.Value) ([]inference.Part, error) {
	p := inference.Part{Kind: inference.PartAudio, Media: &inference.Media{}, Path: v.Path}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "id":
			return v.Text(&p.ID)
		case "data":
			return v.Text(&p.Media.Data)
		case "transcript":
			return v.Text(&p.Text)
		}
		return nil
	})
	return []inference.Part{p}, err
}
