package openai

import (
	"errors"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

var errNoAnswer = errors.New("openai: not a chat completion")

// DecodeAnswer reads a whole chat completion.
func (chatCodec) DecodeAnswer(body []byte) (*inference.Answer, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	a := &inference.Answer{}
	err = doc.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "id":
			return v.Text(&a.ID)
		case "model":
			return v.Text(&a.Model)
		case "created":
			return v.Whole(&a.Created)
		case "service_tier":
			return v.Text(&a.ServiceTier)
		case "choices":
			return v.Elements(func(v jsondoc.Value) error { return chatChoice(a, v) })
		case "error":
			if v.Given() {
				return errNoAnswer
			}
		}
		return nil
	})
	if err == nil && len(a.Candidates) == 0 {
		err = errNoAnswer
	}
	a.Usage, a.HasUsage = Usage(inference.Chat, body)
	return a, err
}

func chatChoice(a *inference.Answer, v jsondoc.Value) error {
	var c inference.Candidate
	var finish string
	var content, refusal []inference.Logprob
	d := chatDecoder{}
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "finish_reason":
			return v.Text(&finish)
		case "logprobs":
			content, refusal, err = choiceLogprobs(v)
			return err
		case "message":
			m, err := d.readMessage(v)
			c.Parts = m.parts()
			return err
		}
		return nil
	})
	likely(c.Parts, inference.PartText, content)
	likely(c.Parts, inference.PartRefusal, refusal)
	c.Stop = stopOf(finish, calls(c.Parts))
	a.Candidates = append(a.Candidates, c)
	return err
}

func calls(parts []inference.Part) bool {
	for i := range parts {
		if parts[i].Kind == inference.PartCall {
			return true
		}
	}
	return false
}

// stopOf reads a finish_reason. Many servers say "stop" where tools are to be called.
func stopOf(finish string, calls bool) inference.Stop {
	switch finish {
	case "":
		return inference.StopUnsaid
	case "length":
		return inference.StopLength
	case "model_context_window_exceeded":
		return inference.StopContext
	case "content_filter", "sensitive":
		return inference.StopRefusal
	}
	if calls {
		return inference.StopTools
	}
	return inference.StopEnd
}

// finishOf writes one.
func finishOf(s inference.Stop) string {
	switch s {
	case inference.StopLength, inference.StopContext:
		return "length"
	case inference.StopTools:
		return "tool_calls"
	case inference.StopRefusal:
		return "content_filter"
	case inference.StopUnsaid, inference.StopEnd, inference.StopSequence, inference.StopPause:
	}
	return "stop"
}

// EncodeAnswer writes a whole chat completion.
func (chatCodec) EncodeAnswer(a *inference.Answer, _ *inference.Prompt) ([]byte, error) {
	w := jsondoc.Writer{B: make([]byte, 0, 1024)}
	w.Open('{').Key("id").Str(chatID(a.ID)).Key("object").Str("chat.completion").Key("created").Int(a.Created).
		Key("model").Str(a.Model).Key("choices").Open('[')
	for i := range a.Candidates {
		c := &a.Candidates[i]
		w.Open('{').Key("index").Int(int64(i)).Key("message")
		writeAnswerMessage(&w, c.Parts)
		w.Key("logprobs")
		writeChoiceLogprobs(&w, c.Parts)
		w.Key("finish_reason").Str(finishOf(c.Stop)).Close('}')
	}
	w.Close(']')
	if a.HasUsage {
		w.Key("usage")
		writeChatUsage(&w, &a.Usage)
	}
	w.Text("service_tier", a.ServiceTier).Close('}')
	return w.B, nil
}

// chatID is an id that clients of this protocol recognise.
func chatID(id string) string {
	if strings.HasPrefix(id, "chatcmpl-") {
		return id
	}
	return "chatcmpl-" + id
}

func writeAnswerMessage(w *jsondoc.Writer, parts []inference.Part) {
	var texts, reasoning, refusal strings.Builder
	var toolCalls, sealed []*inference.Part
	var cited []inference.Citation
	has := false
	for i := range parts {
		p := &parts[i]
		switch p.Kind {
		case inference.PartText:
			texts.WriteString(p.Text)
			cited = append(cited, p.Citations...)
			has = true
		case inference.PartReasoning:
			reasoning.WriteString(p.Text)
			if p.Seal != nil {
				sealed = append(sealed, p)
			}
		case inference.PartRefusal:
			refusal.WriteString(p.Text)
		case inference.PartCall:
			toolCalls = append(toolCalls, p)
		case inference.PartImage, inference.PartDocument, inference.PartAudio, inference.PartVideo, inference.PartResult, inference.PartOther:
		}
	}
	w.Open('{').Key("role").Str("assistant").Key("content")
	if has || len(toolCalls) == 0 && refusal.Len() == 0 {
		w.Str(texts.String())
	} else {
		w.Null()
	}
	w.Text("reasoning_content", reasoning.String())
	if len(sealed) > 0 {
		w.Key("reasoning_details").Open('[')
		for i, p := range sealed {
			writeDetail(w, p, i)
		}
		w.Close(']')
	}
	w.Key("refusal")
	if refusal.Len() > 0 {
		w.Str(refusal.String())
	} else {
		w.Null()
	}
	if len(cited) > 0 {
		w.Key("annotations")
		writeAnnotations(w, cited)
	}
	writeImages(w, parts)
	if len(toolCalls) > 0 {
		w.Key("tool_calls").Open('[')
		for _, p := range toolCalls {
			writeCall(w, p, -1, p.Text)
		}
		w.Close(']')
	}
	w.Close('}')
}

// writeImages writes pictures that a model made, as servers of this protocol do that have such models.
func writeImages(w *jsondoc.Writer, parts []inference.Part) {
	open := false
	for i := range parts {
		p := &parts[i]
		if p.Kind != inference.PartImage || p.Media == nil {
			continue
		}
		if !open {
			w.Key("images").Open('[')
			open = true
		}
		w.Open('{').Key("type").Str("image_url").Key("image_url").Open('{').Key("url").Str(p.Media.Address("image/png")).Close('}').Close('}')
	}
	if open {
		w.Close(']')
	}
}

// writeDetail writes sealed reasoning.
func writeDetail(w *jsondoc.Writer, p *inference.Part, index int) {
	w.Open('{').Key("type")
	if p.Seal.Whole {
		w.Str("reasoning.encrypted").Key("data").Str(p.Seal.Data)
	} else {
		w.Str("reasoning.text").Key("text").Str(p.Text).Key("signature").Str(p.Seal.Data)
	}
	w.Key("format").Str(sealFormat(p.Seal.Dialect)).Key("index").Int(int64(index)).Close('}')
}

func writeAnnotations(w *jsondoc.Writer, cited []inference.Citation) {
	w.Open('[')
	for _, c := range cited {
		w.Open('{').Key("type").Str("url_citation").Key("url_citation").Open('{').Key("start_index").Int(int64(c.Start)).
			Key("end_index").Int(int64(c.End)).Key("url").Str(c.URL).Key("title").Str(c.Title).Close('}').Close('}')
	}
	w.Close(']')
}

// writeCall writes a call with the arguments given; index is that of a stream's chunks, -1 in whole messages.
func writeCall(w *jsondoc.Writer, p *inference.Part, index int, arguments string) {
	w.Open('{')
	if index >= 0 {
		w.Key("index").Int(int64(index))
	}
	kind, member := "function", "arguments"
	if p.Call.Custom {
		kind, member = "custom", "input"
	}
	if index < 0 && arguments == "" && !p.Call.Custom {
		arguments = "{}" // a call without arguments; clients parse the text
	}
	w.Key("id").Str(p.Call.ID).Key("type").Str(kind).Key(kind).Open('{').
		Key("name").Str(p.Call.Name).Key(member).Str(arguments).Close('}')
	if p.Seal != nil && p.Seal.Dialect == inference.Gemini {
		writeCallSeal(w, p.Seal.Data)
	}
	w.Close('}')
}

func writeCallSeal(w *jsondoc.Writer, data string) {
	w.Key("extra_content").Open('{').Key("google").Open('{').Key("thought_signature").Str(data).Close('}').Close('}')
}

// writeChatUsage writes the inclusive figures of this protocol.
func writeChatUsage(w *jsondoc.Writer, u *inference.Usage) {
	q := &u.Quantities
	in, out := u.InputTokens(), u.OutputTokens()
	w.Open('{').Key("prompt_tokens").Int(in).Key("completion_tokens").Int(out).Key("total_tokens").Int(in + out)
	w.Key("prompt_tokens_details").Open('{').Key("cached_tokens").Int(q[inference.TextInputCached])
	if n := q[inference.TextCacheWrite] + q[inference.TextCacheWrite1h]; n > 0 {
		w.Key("cache_write_tokens").Int(n)
	}
	w.Key("audio_tokens").Int(q[inference.AudioInput])
	if n := q[inference.ImageInput]; n > 0 {
		w.Key("image_tokens").Int(n)
	}
	w.Close('}').Key("completion_tokens_details").Open('{').Key("reasoning_tokens").Int(q[inference.TextReasoning]).
		Key("audio_tokens").Int(q[inference.AudioOutput])
	if n := q[inference.ImageOutput]; n > 0 {
		w.Key("image_tokens").Int(n)
	}
	w.Close('}').Close('}')
}
