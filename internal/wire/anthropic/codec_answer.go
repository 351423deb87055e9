package anthropic

import (
	"errors"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

var errNoAnswer = errors.New("anthropic: not a message")

// DecodeAnswer reads a whole message.
func (codec) DecodeAnswer(body []byte) (*inference.Answer, error) {
	if _, ok := (messagesFormat{}).Answer(body); !ok {
		return nil, errNoAnswer
	}
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	a := &inference.Answer{Candidates: make([]inference.Candidate, 1)}
	c := &a.Candidates[0]
	var stop string
	d := decoder{names: map[string]string{}}
	err = doc.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "id":
			return v.Text(&a.ID)
		case "model":
			return v.Text(&a.Model)
		case "content":
			c.Parts, err = d.content(v)
		case "stop_reason":
			return v.Text(&stop)
		case "stop_sequence":
			return v.Text(&c.Sequence)
		case "usage":
			return tierOf(v, &a.ServiceTier)
		}
		return err
	})
	c.Stop = stopOf(stop, len(calls(c.Parts)) > 0)
	a.Usage, a.HasUsage = Usage(body)
	return a, err
}

func tierOf(usage jsondoc.Value, to *string) error {
	if !usage.IsObject() {
		return nil
	}
	return usage.Members(func(key string, v jsondoc.Value) error {
		if key != "service_tier" {
			return nil
		}
		err := v.Text(to)
		if *to == "standard" {
			*to = "default"
		}
		return err
	})
}

// stopOf reads a stop_reason.
func stopOf(reason string, called bool) inference.Stop {
	switch reason {
	case "":
		return inference.StopUnsaid
	case "max_tokens":
		return inference.StopLength
	case "model_context_window_exceeded":
		return inference.StopContext
	case "stop_sequence":
		return inference.StopSequence
	case "refusal":
		return inference.StopRefusal
	case "pause_turn":
		return inference.StopPause
	}
	if called {
		return inference.StopTools
	}
	return inference.StopEnd
}

// reasonOf writes one.
func reasonOf(s inference.Stop) string {
	switch s {
	case inference.StopSequence:
		return "stop_sequence"
	case inference.StopLength:
		return "max_tokens"
	case inference.StopContext:
		return "model_context_window_exceeded"
	case inference.StopTools:
		return "tool_use"
	case inference.StopRefusal:
		return "refusal"
	case inference.StopPause:
		return "pause_turn"
	case inference.StopUnsaid, inference.StopEnd:
	}
	return "end_turn"
}

// EncodeAnswer writes a whole message: the first answer, as callers of this protocol ask for one.
func (codec) EncodeAnswer(a *inference.Answer, _ *inference.Prompt) ([]byte, error) {
	if len(a.Candidates) == 0 {
		return nil, errNoAnswer
	}
	c := &a.Candidates[0]
	w := jsondoc.Writer{B: make([]byte, 0, 1024)}
	w.Open('{').Key("id").Str(messageID(a.ID)).Key("type").Str("message").Key("role").Str("assistant").Key("model").Str(a.Model).
		Key("content").Open('[')
	for i := range c.Parts {
		writePart(&w, &c.Parts[i])
	}
	w.Close(']').Key("stop_reason").Str(reasonOf(c.Stop)).Key("stop_sequence")
	writeSequence(&w, c.Stop, c.Sequence)
	w.Key("usage")
	writeUsage(&w, &a.Usage)
	w.Close('}')
	return w.B, nil
}

func writeSequence(w *jsondoc.Writer, s inference.Stop, sequence string) {
	if s == inference.StopSequence && sequence != "" {
		w.Str(sequence)
		return
	}
	w.Null()
}

// messageID is an id that clients of this protocol recognise.
func messageID(id string) string {
	if strings.HasPrefix(id, "msg_") {
		return id
	}
	return "msg_" + id
}

// writePart writes a block of an answer. What the protocol has no block for becomes a text, where it can be one.
func writePart(w *jsondoc.Writer, p *inference.Part) {
	switch p.Kind {
	case inference.PartText, inference.PartRefusal, inference.PartAudio:
		if p.Text == "" {
			return
		}
		w.Open('{').Key("type").Str("text").Key("text").Str(p.Text)
		writeCitations(w, p.Citations)
		w.Close('}')
	case inference.PartReasoning:
		writeThought(w, p)
	case inference.PartCall:
		w.Open('{').Key("type").Str("tool_use").Key("id").Str(p.Call.ID).Key("name").Str(p.Call.Name).Key("input").Raw(inputOf(p)).Close('}')
		if p.Seal != nil {
			writeRedacted(w, callSealText(p.Seal))
		}
	case inference.PartImage:
		w.Open('{').Key("type").Str("text").Key("text").Str(pictureText(p)).Close('}')
	case inference.PartOther:
		if isOurs(p.Other) {
			w.Bytes(p.Other.Value)
		}
	case inference.PartDocument, inference.PartVideo, inference.PartResult:
	}
}

// pictureText shows a picture that a model made, in the markup that clients show.
func pictureText(p *inference.Part) string {
	if p.Media == nil {
		return "![]()"
	}
	return "![](" + p.Media.Address("image/png") + ")"
}

// writeThought writes reasoning with its seal, or the seal alone where the reasoning is in it.
func writeThought(w *jsondoc.Writer, p *inference.Part) {
	switch {
	case p.Seal != nil && p.Seal.Whole && p.Text == "":
		writeRedacted(w, sealText(p.Seal))
	case p.Text != "" || p.Seal != nil:
		w.Open('{').Key("type").Str("thinking").Key("thinking").Str(p.Text).Key("signature").Str(sealText(p.Seal)).Close('}')
	}
}

func writeRedacted(w *jsondoc.Writer, data string) {
	w.Open('{').Key("type").Str("redacted_thinking").Key("data").Str(data).Close('}')
}

func writeCitations(w *jsondoc.Writer, cited []inference.Citation) {
	if len(cited) == 0 {
		return
	}
	w.Key("citations").Open('[')
	for i := range cited {
		writeCitation(w, &cited[i])
	}
	w.Close(']')
}

func writeCitation(w *jsondoc.Writer, c *inference.Citation) {
	if isOurs(c.Other) {
		w.Bytes(c.Other.Value)
		return
	}
	w.Open('{').Key("type").Str("web_search_result_location").Key("url").Str(c.URL).Key("title").Str(c.Title).
		Key("encrypted_index").Str("").Key("cited_text").Str("").Close('}')
}

// writeUsage writes the disjoint figures of this protocol.
func writeUsage(w *jsondoc.Writer, u *inference.Usage) {
	q := &u.Quantities
	short, long, read := q[inference.TextCacheWrite], q[inference.TextCacheWrite1h], q[inference.TextInputCached]
	w.Open('{').Key("input_tokens").Int(u.InputTokens() - short - long - read).Key("cache_creation_input_tokens").Int(short + long).
		Key("cache_read_input_tokens").Int(read).Key("cache_creation").Open('{').Key("ephemeral_5m_input_tokens").Int(short).
		Key("ephemeral_1h_input_tokens").Int(long).Close('}').Key("output_tokens").Int(u.OutputTokens())
	if n := q[inference.Search]; n > 0 {
		w.Key("server_tool_use").Open('{').Key("web_search_requests").Int(n).Close('}')
	}
	w.Close('}')
}
