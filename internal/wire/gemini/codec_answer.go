package gemini

import (
	"errors"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

var (
	errNoAnswer = errors.New("gemini: not an answer")
	// errMalformed says that the model erred in its own protocol: another try may do better.
	errMalformed = errors.New("gemini: the model made a call that cannot be read")
)

// DecodeAnswer reads a whole answer. A prompt that was blocked is an answer without parts.
func (codec) DecodeAnswer(body []byte) (*inference.Answer, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	a := &inference.Answer{}
	r, ok := readResponse(body)
	if !ok || isObject(r.in(aError)) || !r.says() {
		return nil, errNoAnswer
	}
	var t tally
	t.count(r.in(aCandidates))
	a.Usage, a.HasUsage = Usage(r.in(aUsage))
	a.Usage.Quantities[inference.Search] = t.searches
	err = doc.Members(func(key string, v jsondoc.Value) error {
		switch camel(key) {
		case "responseId":
			return v.Text(&a.ID)
		case "modelVersion":
			return v.Text(&a.Model)
		case "candidates":
			return v.Elements(func(v jsondoc.Value) error {
				c, err := readCandidate(v)
				a.Candidates = append(a.Candidates, c.Candidate)
				return err
			})
		}
		return nil
	})
	if len(a.Candidates) == 0 && err == nil {
		c := inference.Candidate{Stop: inference.StopEnd}
		if r.isBlocked() {
			c.Stop = inference.StopRefusal
		}
		a.Candidates = append(a.Candidates, c)
	}
	return a, err
}

// candidate is one of an answer's, or a piece of one.
type candidate struct {
	inference.Candidate

	index   int64
	reason  string
	sources []inference.Citation
}

func readCandidate(v jsondoc.Value) (candidate, error) {
	var c candidate
	var grounding, logprobs jsondoc.Value
	err := v.Members(func(key string, v jsondoc.Value) error {
		if !v.Given() {
			return nil
		}
		switch camel(key) {
		case "index":
			return v.Whole(&c.index)
		case "finishReason":
			return v.Text(&c.reason)
		case "content":
			return c.content(v)
		case "groundingMetadata":
			grounding = v
		case "logprobsResult":
			logprobs = v
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	if isMalformed(c.reason) {
		return c, errMalformed
	}
	list, err := readLogprobs(logprobs)
	if err != nil {
		return c, err
	}
	likely(c.Parts, list)
	c.Stop = stopOf(c.reason, hasCall(c.Parts))
	if c.sources, err = readSources(grounding); err == nil {
		cite(c.Parts, c.sources)
	}
	return c, err
}

// content reads the parts of an answer: texts that follow one another are one, and calls have ids.
func (c *candidate) content(v jsondoc.Value) error {
	return v.Members(func(key string, v jsondoc.Value) error {
		if key != "parts" {
			return nil
		}
		return v.Elements(func(v jsondoc.Value) error {
			r, err := readPart(v)
			if err == nil {
				c.add(r.Part)
			}
			return err
		})
	})
}

func (c *candidate) add(p inference.Part) {
	p.Path = ""
	if p.Kind == inference.PartCall && p.Call.ID == "" {
		p.Call.ID = newCallID()
	}
	n := len(c.Parts)
	isText := p.Kind == inference.PartText || p.Kind == inference.PartReasoning
	switch {
	case isText && n > 0 && c.Parts[n-1].Kind == p.Kind && (c.Parts[n-1].Seal == nil || p.Text == ""):
		c.Parts[n-1].Text += p.Text
		if p.Seal != nil {
			c.Parts[n-1].Seal = p.Seal
		}
	case isText && p.Text == "" && p.Kind == inference.PartText:
	case isText && p.Text == "" && p.Seal == nil:
	default:
		c.Parts = append(c.Parts, p)
	}
}

func hasCall(parts []inference.Part) bool {
	for i := range parts {
		if parts[i].Kind == inference.PartCall {
			return true
		}
	}
	return false
}

func isMalformed(reason string) bool {
	switch reason {
	case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "TOO_MANY_TOOL_CALLS":
		return true
	}
	return false
}

// stopOf reads a finishReason. Calls end with STOP.
func stopOf(reason string, calls bool) inference.Stop {
	switch reason {
	case "", "FINISH_REASON_UNSPECIFIED":
		return inference.StopUnsaid
	case "MAX_TOKENS":
		return inference.StopLength
	case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
		"IMAGE_RECITATION", "IMAGE_OTHER", "NO_IMAGE", "OTHER":
		return inference.StopRefusal
	}
	if calls {
		return inference.StopTools
	}
	return inference.StopEnd
}

// reasonOf writes one.
func reasonOf(s inference.Stop) string {
	switch s {
	case inference.StopLength, inference.StopContext:
		return "MAX_TOKENS"
	case inference.StopRefusal:
		return "SAFETY"
	case inference.StopUnsaid, inference.StopEnd, inference.StopSequence, inference.StopTools, inference.StopPause:
	}
	return "STOP"
}

// readSources reads what an answer is grounded on. Start and End of a source are bytes still.
func readSources(v jsondoc.Value) ([]inference.Citation, error) {
	var chunks, out []inference.Citation
	var supports jsondoc.Value
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch camel(key) {
		case "groundingChunks":
			return v.Elements(func(v jsondoc.Value) error {
				c, err := readSource(v)
				chunks = append(chunks, c)
				return err
			})
		case "groundingSupports":
			supports = v
		}
		return nil
	})
	if err == nil {
		err = supports.Elements(func(v jsondoc.Value) error {
			out, err = readSupport(out, chunks, v)
			return err
		})
	}
	if len(out) > 0 {
		return out, err
	}
	for _, c := range chunks {
		if c.URL != "" {
			out = append(out, c)
		}
	}
	return out, err
}

func readSource(v jsondoc.Value) (inference.Citation, error) {
	var c inference.Citation
	err := v.Members(func(_ string, v jsondoc.Value) error { // web, retrievedContext, maps
		if !v.IsObject() {
			return nil
		}
		return v.Members(func(key string, v jsondoc.Value) error {
			switch key {
			case "uri":
				return v.Text(&c.URL)
			case "title":
				return v.Text(&c.Title)
			}
			return nil
		})
	})
	return c, err
}

func readSupport(out, chunks []inference.Citation, v jsondoc.Value) ([]inference.Citation, error) {
	var from, to int64
	var indices []int64
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch camel(key) {
		case "segment":
			return v.Members(func(key string, v jsondoc.Value) error {
				switch camel(key) {
				case "startIndex":
					return v.Whole(&from)
				case "endIndex":
					return v.Whole(&to)
				}
				return nil
			})
		case "groundingChunkIndices":
			return v.Elements(func(v jsondoc.Value) error {
				n, err := v.Int()
				indices = append(indices, n)
				return err
			})
		}
		return nil
	})
	for _, i := range indices {
		if i >= 0 && i < int64(len(chunks)) && chunks[i].URL != "" {
			c := chunks[i]
			c.Start, c.End = int(from), int(to)
			out = append(out, c)
		}
	}
	return out, err
}

// cite gives the last text its sources, and counts their places in characters.
func cite(parts []inference.Part, sources []inference.Citation) {
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].Kind != inference.PartText {
			continue
		}
		for _, c := range sources {
			c.Start, c.End = characters(parts[i].Text, c.Start), characters(parts[i].Text, c.End)
			parts[i].Citations = append(parts[i].Citations, c)
		}
		return
	}
}

func characters(text string, bytes int) int {
	return utf8.RuneCountInString(text[:max(0, min(bytes, len(text)))])
}

// EncodeAnswer writes a whole answer.
func (codec) EncodeAnswer(a *inference.Answer, _ *inference.Prompt) ([]byte, error) {
	w := jsondoc.Writer{B: make([]byte, 0, 1024)}
	w.Open('{').Key("candidates").Open('[')
	for i := range a.Candidates {
		c := &a.Candidates[i]
		w.Open('{').Key("content").Open('{').Key("parts").Open('[')
		for j := range c.Parts {
			writePart(&w, &c.Parts[j])
		}
		w.Close(']').Key("role").Str("model").Close('}').Key("finishReason").Str(reasonOf(c.Stop))
		writeSources(&w, citationsOf(c.Parts))
		writeLogprobs(&w, c.Parts)
		w.Key("index").Int(int64(i)).Close('}')
	}
	w.Close(']')
	if a.HasUsage {
		writeUsage(&w, &a.Usage)
	}
	w.Key("modelVersion").Str(a.Model).Key("responseId").Str(a.ID).Close('}')
	return w.B, nil
}

func citationsOf(parts []inference.Part) (out []inference.Citation) {
	for i := range parts {
		out = append(out, parts[i].Citations...)
	}
	return out
}

func writeSources(w *jsondoc.Writer, cited []inference.Citation) {
	if len(cited) == 0 {
		return
	}
	w.Key("groundingMetadata").Open('{').Key("groundingChunks").Open('[')
	for _, c := range cited {
		w.Open('{').Key("web").Open('{').Key("uri").Str(c.URL).Text("title", c.Title).Close('}').Close('}')
	}
	w.Close(']').Close('}')
}

// writePart writes a part of an answer.
func writePart(w *jsondoc.Writer, p *inference.Part) {
	if p.Kind == inference.PartOther {
		if isOwn(p.Other) {
			w.Bytes(p.Other.Value)
		}
		return
	}
	if p.Kind == inference.PartResult {
		return
	}
	w.Open('{')
	switch p.Kind {
	case inference.PartReasoning:
		w.Key("text").Str(p.Text).Key("thought").Bool(true)
	case inference.PartCall:
		w.Key("functionCall").Open('{').Text("id", p.Call.ID).Key("name").Str(p.Call.Name).Key("args").Raw(argsOf(p)).Close('}')
	case inference.PartImage, inference.PartAudio, inference.PartVideo, inference.PartDocument:
		writeMedia(w, p)
	default:
		w.Key("text").Str(p.Text)
	}
	if p.Seal != nil {
		w.Text("thoughtSignature", signature(p.Seal))
	}
	w.Close('}')
}

// argsOf are a call's arguments as an object.
func argsOf(p *inference.Part) string {
	switch doc, err := jsondoc.Parse([]byte(p.Text)); {
	case p.Call.Custom:
		return wrapped("input", p.Text)
	case p.Text == "":
		return "{}"
	case err != nil || !doc.Given():
		return wrapped("_raw", p.Text)
	}
	return p.Text
}

func writeMedia(w *jsondoc.Writer, p *inference.Part) {
	switch {
	case p.Media == nil:
		w.Key("text").Str("")
	case p.Media.Data != "":
		w.Key("inlineData").Open('{').Key("mimeType").Str(typeOf(p)).Key("data").Str(p.Media.Data).Close('}')
	default:
		w.Key("fileData").Open('{').Key("mimeType").Str(typeOf(p)).Key("fileUri").Str(p.Media.URL).Close('}')
	}
}

// writeUsage writes the figures of this protocol: the prompt includes what was cached, the candidates no thoughts.
func writeUsage(w *jsondoc.Writer, u *inference.Usage) {
	q := &u.Quantities
	in, out, thoughts := u.InputTokens(), u.OutputTokens(), q[inference.TextReasoning]
	w.Key("usageMetadata").Open('{').Key("promptTokenCount").Int(in).Key("candidatesTokenCount").Int(out - thoughts)
	if thoughts > 0 {
		w.Key("thoughtsTokenCount").Int(thoughts)
	}
	if n := q[inference.TextInputCached]; n > 0 {
		w.Key("cachedContentTokenCount").Int(n)
	}
	w.Key("totalTokenCount").Int(in + out)
	writeModalities(w, "promptTokensDetails", q[inference.AudioInput], q[inference.ImageInput])
	writeModalities(w, "candidatesTokensDetails", q[inference.AudioOutput], q[inference.ImageOutput])
	w.Close('}')
}

func writeModalities(w *jsondoc.Writer, name string, audio, image int64) {
	if audio+image == 0 {
		return
	}
	w.Key(name).Open('[')
	for _, m := range [...]struct {
		name string
		n    int64
	}{{"AUDIO", audio}, {"IMAGE", image}} {
		if m.n > 0 {
			w.Open('{').Key("modality").Str(m.name).Key("tokenCount").Int(m.n).Close('}')
		}
	}
	w.Close(']')
}
