package gemini

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// system writes the instructions that precede the conversation.
func (e *encoder) system() error {
	if len(e.p.System) == 0 {
		return nil
	}
	e.w.Key("systemInstruction").Open('{').Key("parts").Open('[')
	for i := range e.p.System {
		p := &e.p.System[i]
		if p.Kind != inference.PartText {
			if err := e.cannot(p); err != nil {
				return err
			}
			continue
		}
		e.text(p.Text, nil)
	}
	e.w.Close(']').Close('}')
	return nil
}

func (e *encoder) cannot(p *inference.Part) error {
	return e.l.Content(p.Path, "", "Gemini cannot carry this content here.")
}

// contents writes the turns. Those of one role that follow each other become one, and calls that nobody answered get an empty
// answer: Google refuses both.
func (e *encoder) contents() error {
	e.w.Key("contents").Open('[')
	turns := e.p.Turns
	for from := 0; from < len(turns); {
		to := from + 1
		for to < len(turns) && isModel(&turns[to]) == isModel(&turns[from]) {
			to++
		}
		if err := e.content(turns[from:to]); err != nil {
			return err
		}
		if isModel(&turns[from]) {
			e.unanswered(turns[from:to], turns[to:])
		}
		from = to
	}
	e.w.Close(']')
	return nil
}

func isModel(t *inference.Turn) bool { return t.Role == inference.RoleAssistant }

// content writes consecutive turns of one role. Results come before all else: they answer the turn before.
func (e *encoder) content(turns []inference.Turn) error {
	role := "user"
	if isModel(&turns[0]) {
		role = "model"
	}
	e.w.Open('{').Key("role").Str(role).Key("parts").Open('[')
	empty := len(e.w.B)
	later, err := e.results(turns)
	if err != nil {
		return err
	}
	signed := false
	for i := range turns {
		t := &turns[i]
		for j := range t.Parts {
			p := &t.Parts[j]
			switch {
			case p.Kind == inference.PartResult:
				continue
			case t.Role == inference.RoleSystem:
				err = e.interjection(t, p)
			default:
				err = e.part(p, &signed)
			}
			if err != nil {
				return err
			}
		}
	}
	for i := range later {
		if err := e.part(&later[i], &signed); err != nil {
			return err
		}
	}
	if len(e.w.B) == empty {
		e.text("", nil)
	}
	e.w.Close(']').Close('}')
	return nil
}

// interjection writes instructions in the middle of a conversation, for which Google has no role, as the user's.
func (e *encoder) interjection(t *inference.Turn, p *inference.Part) error {
	if p.Kind != inference.PartText {
		return e.cannot(p)
	}
	e.l.Changed(t.Path, "a system message", "a user's text", "Gemini takes instructions only before the conversation.")
	e.text("<system>\n"+p.Text+"\n</system>", nil)
	return nil
}

// results writes what tools returned, and returns the parts of it that are no text.
func (e *encoder) results(turns []inference.Turn) (later []inference.Part, err error) {
	for i := range turns {
		for j := range turns[i].Parts {
			p := &turns[i].Parts[j]
			if p.Kind != inference.PartResult {
				continue
			}
			media, err := e.result(p)
			if err != nil {
				return nil, err
			}
			later = append(later, media...)
		}
	}
	return later, nil
}

func (e *encoder) result(p *inference.Part) (media []inference.Part, err error) {
	r := p.Result
	name := r.Name
	if name == "" {
		name = e.names[r.ID]
	}
	if name == "" {
		return nil, e.l.Refuse(p.Path, "This result belongs to no call of the conversation.")
	}
	var texts []string
	for i := range r.Parts {
		if r.Parts[i].Kind == inference.PartText {
			texts = append(texts, r.Parts[i].Text)
			continue
		}
		media = append(media, r.Parts[i])
	}
	if len(media) > 0 {
		e.l.Changed(p.Path, "in a tool's result", "beside it", "Results of functions are JSON.")
	}
	e.response(r.ID, name, strings.Join(texts, "\n\n"), r.Error)
	delete(e.names, r.ID)
	return media, nil
}

// response writes what a function returned, which must be an object.
func (e *encoder) response(id, name, text string, failed bool) {
	e.w.Open('{').Key("functionResponse").Open('{').Text("id", id).Key("name").Str(name).Key("response")
	switch {
	case failed:
		e.w.Open('{').Key("error").Str(text).Close('}')
	case isPlainObject(text):
		e.w.Raw(text)
	default:
		e.w.Open('{').Key("result").Str(text).Close('}')
	}
	e.w.Close('}').Close('}')
}

// isPlainObject reports whether a text is a JSON object that cannot be taken for one that wraps a text.
func isPlainObject(text string) bool {
	if !strings.HasPrefix(text, "{") {
		return false
	}
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &m) != nil {
		return false
	}
	_, result := m["result"]
	_, failed := m["error"]
	return len(m) != 1 || !result && !failed
}

// unanswered answers calls to which the next turn has no result.
func (e *encoder) unanswered(turns, next []inference.Turn) {
	answered := map[string]bool{}
	for i := range next {
		if isModel(&next[i]) {
			break
		}
		for j := range next[i].Parts {
			if p := &next[i].Parts[j]; p.Kind == inference.PartResult {
				answered[p.Result.ID] = true
			}
		}
	}
	open := false
	for i := range turns {
		for j := range turns[i].Parts {
			p := &turns[i].Parts[j]
			if p.Kind != inference.PartCall || answered[p.Call.ID] {
				continue
			}
			if !open {
				e.w.Open('{').Key("role").Str("user").Key("parts").Open('[')
				open = true
			}
			e.l.Changed(p.Path, "a call without a result", "an empty result", "Gemini wants every call answered.")
			e.response(p.Call.ID, p.Call.Name, "", false)
		}
	}
	if open {
		e.w.Close(']').Close('}')
	}
}

// text writes a text with its seal, if it is Google's.
func (e *encoder) text(s string, seal *inference.Seal) {
	e.w.Open('{').Key("text").Str(s)
	e.seal(seal)
	e.w.Close('}')
}

// ownSeal reports whether a part has a seal of Google's; another's stays here.
func (e *encoder) ownSeal(p *inference.Part) bool {
	if p.Seal != nil && p.Seal.Dialect != inference.Gemini {
		e.l.Changed(p.Path, "with its signature", "without it", "The signature of another provider means nothing to Google.")
	}
	return p.Seal != nil && p.Seal.Dialect == inference.Gemini
}

func (e *encoder) seal(s *inference.Seal) {
	if s != nil && s.Dialect == inference.Gemini {
		e.w.Text("thoughtSignature", s.Data)
	}
}

// part writes one part; signed says that a call of the turn was signed.
func (e *encoder) part(p *inference.Part, signed *bool) error {
	switch p.Kind {
	case inference.PartText, inference.PartRefusal:
		if own := e.ownSeal(p); own || strings.TrimSpace(p.Text) != "" {
			e.text(p.Text, p.Seal)
		}
	case inference.PartReasoning: // Google wants its signatures back, not its thoughts
		e.l.Changed(p.Path, "with its reasoning", "without it", "Gemini does not take the reasoning of earlier turns.")
	case inference.PartImage, inference.PartAudio, inference.PartVideo, inference.PartDocument:
		return e.media(p)
	case inference.PartCall:
		e.call(p, signed)
	case inference.PartOther:
		if !isOwn(p.Other) {
			return e.cannot(p)
		}
		e.w.Bytes(p.Other.Value)
	case inference.PartResult:
	}
	return nil
}

// call writes a call. Models that sign their calls want to see the signature of a turn's first; one that they did not make is
// marked as such.
func (e *encoder) call(p *inference.Part, signed *bool) {
	args := p.Text
	switch {
	case strings.TrimSpace(args) == "":
		args = "{}"
	case p.Call.Custom:
		args = wrapped("input", args)
	case !json.Valid([]byte(args)) || !strings.HasPrefix(strings.TrimSpace(args), "{"):
		e.l.Changed(p.Path, args, "_raw", "The arguments are no JSON object.")
		args = wrapped("_raw", args)
	}
	e.names[p.Call.ID] = p.Call.Name
	e.w.Open('{').Key("functionCall").Open('{').Text("id", p.Call.ID).Key("name").Str(p.Call.Name).Key("args").Raw(strings.TrimSpace(args)).Close('}')
	own := e.ownSeal(p)
	switch {
	case own:
		e.seal(p.Seal)
	case e.model.signs && !*signed:
		e.w.Key("thoughtSignature").Str(noSignature)
	}
	*signed = true
	e.w.Close('}')
}

func wrapped(name, text string) string {
	out, err := json.Marshal(map[string]string{name: text})
	if err != nil {
		return "{}"
	}
	return string(out)
}

// media writes data, or an address that Google fetches itself.
func (e *encoder) media(p *inference.Part) error {
	m := p.Media
	switch {
	case m == nil || m.FileID != "" && m.Data == "" && m.URL == "":
		return e.cannot(p)
	case m.Text:
		e.text(m.Data, nil)
	case m.Data != "":
		e.w.Open('{').Key("inlineData").Open('{').Key("mimeType").Str(typeOf(p)).Key("data").Str(m.Data).Close('}').Close('}')
	case strings.HasPrefix(m.URL, "gs://"), strings.HasPrefix(m.URL, "https://"):
		e.w.Open('{').Key("fileData").Open('{').Key("mimeType").Str(typeOf(p)).Key("fileUri").Str(m.URL).Close('}').Close('}')
	default:
		return e.l.Content(p.Path, m.URL, "Gemini takes files as data, or by https and gs addresses.")
	}
	return nil
}

// extensions are types by the end of an address.
var extensions = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif", ".heic": "image/heic",
	".pdf": "application/pdf", ".txt": "text/plain", ".mp3": "audio/mp3", ".wav": "audio/wav", ".ogg": "audio/ogg", ".flac": "audio/flac",
	".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime",
}

// usual are the types of what does not say.
var usual = map[inference.PartKind]string{
	inference.PartImage: "image/jpeg", inference.PartAudio: "audio/wav", inference.PartVideo: "video/mp4", inference.PartDocument: "application/pdf",
}

func typeOf(p *inference.Part) string {
	m := p.Media
	if m.Type != "" {
		return m.Type
	}
	if p.Kind == inference.PartAudio && m.Format != "" {
		return "audio/" + m.Format
	}
	address, _, _ := strings.Cut(m.URL, "?")
	for _, name := range [...]string{address, m.Name} {
		if t := extensions[strings.ToLower(path.Ext(name))]; t != "" {
			return t
		}
	}
	return usual[p.Kind]
}
