package gemini

import (
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// system reads the system instruction: a content, or just a text.
func (d *decoder) system(v jsondoc.Value) error {
	if v.IsString() {
		text, err := v.String()
		d.p.System = append(d.p.System, inference.Part{Text: text, Path: v.Path})
		return err
	}
	c, err := d.readContent(v)
	d.p.System = append(d.p.System, c.Parts...)
	return err
}

func (d *decoder) content(v jsondoc.Value) error {
	t, err := d.readContent(v)
	if err == nil {
		d.p.Turns = append(d.p.Turns, t)
	}
	return err
}

// readContent reads a content. Its role comes first, because calls belong to the model.
func (d *decoder) readContent(v jsondoc.Value) (inference.Turn, error) {
	t := inference.Turn{Path: v.Path}
	role := ""
	var list jsondoc.Value
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "role":
			return v.Text(&role)
		case "parts":
			list = v
		}
		return nil
	})
	switch role {
	case "", "user", "function":
	case "model":
		t.Role = inference.RoleAssistant
	case "system":
		t.Role = inference.RoleSystem
	default:
		return t, required(v.Path+".role", "Please use a valid role: user, model.")
	}
	if err != nil {
		return t, err
	}
	add := func(v jsondoc.Value) error {
		p, said, err := d.part(v)
		if said && !goesOn(t.Parts, &p) {
			t.Parts = append(t.Parts, p)
		}
		return err
	}
	if list.IsObject() {
		return t, add(list)
	}
	return t, list.Elements(add)
}

// goesOn adds a thought to the one before it that is not sealed yet: callers say streams again piece by piece as they came, the
// seal behind the last piece, and who sealed the thought knows it only as a whole.
func goesOn(before []inference.Part, p *inference.Part) bool {
	if len(before) == 0 || p.Kind != inference.PartReasoning {
		return false
	}
	last := &before[len(before)-1]
	if last.Kind != inference.PartReasoning || last.Seal != nil {
		return false
	}
	last.Text += p.Text
	last.Seal = p.Seal
	return true
}

// part reads a part. It reports false for one that says nothing.
func (d *decoder) part(v jsondoc.Value) (inference.Part, bool, error) {
	r, err := readPart(v)
	if err != nil {
		return r.Part, false, err
	}
	switch r.Kind {
	case inference.PartCall:
		d.name(&r.Part)
	case inference.PartResult:
		d.answer(r.Result)
	case inference.PartText:
		return r.Part, r.Text != "", nil
	case inference.PartReasoning:
		return r.Part, r.Text != "" || r.Seal != nil, nil
	default:
	}
	return r.Part, true, nil
}

// name gives a nameless call an id by its place, so that the same conversation always has the same.
func (d *decoder) name(p *inference.Part) {
	if p.Call.ID == "" {
		p.Call.ID = "call_" + strconv.Itoa(d.calls)
	}
	d.calls++
	d.pending[p.Call.Name] = append(d.pending[p.Call.Name], p.Call.ID)
}

// answer ties a result without id to the first call of its function that has none yet.
func (d *decoder) answer(r *inference.Result) {
	waiting := d.pending[r.Name]
	for i, id := range waiting {
		if r.ID == "" || r.ID == id {
			r.ID = id
			d.pending[r.Name] = append(waiting[:i:i], waiting[i+1:]...)
			return
		}
	}
	if r.ID == "" {
		r.ID = "call_" + r.Name
	}
}

// rawPart is a part as it stands, before calls and results are tied.
type rawPart struct {
	inference.Part

	thought bool
}

func readPart(v jsondoc.Value) (rawPart, error) {
	r := rawPart{Part: inference.Part{Path: v.Path}}
	seal := ""
	err := v.Members(func(key string, inner jsondoc.Value) (err error) {
		if !inner.Given() {
			return nil
		}
		switch camel(key) {
		case "text":
			return inner.Text(&r.Text)
		case "thought":
			return inner.Truth(&r.thought)
		case "thoughtSignature":
			return inner.Text(&seal)
		case "inlineData", "fileData":
			return r.media(inner)
		case "functionCall":
			return r.call(inner)
		case "functionResponse":
			return r.result(inner)
		case "executableCode", "codeExecutionResult":
			rest := restOf(v)
			r.Kind, r.Other = inference.PartOther, &rest
		}
		return nil
	})
	if r.thought && r.Kind == inference.PartText {
		r.Kind = inference.PartReasoning
	}
	if seal != "" {
		r.Seal = sealOf(seal)
	}
	return r, err
}

// media reads data or a file, and tells by its type what it is.
func (r *rawPart) media(v jsondoc.Value) error {
	m := &inference.Media{}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch camel(key) {
		case "mimeType":
			return v.Text(&m.Type)
		case "data":
			return v.Text(&m.Data)
		case "fileUri":
			return v.Text(&m.URL)
		case "displayName":
			return v.Text(&m.Name)
		}
		return nil
	})
	r.Media, r.Kind = m, kindOf(m.Type)
	if r.Kind == inference.PartAudio {
		_, m.Format, _ = strings.Cut(m.Type, "/")
	}
	return err
}

func kindOf(mime string) inference.PartKind {
	switch family, _, _ := strings.Cut(mime, "/"); family {
	case "image":
		return inference.PartImage
	case "audio":
		return inference.PartAudio
	case "video":
		return inference.PartVideo
	}
	return inference.PartDocument
}

func (r *rawPart) call(v jsondoc.Value) error {
	r.Kind, r.Call, r.Text = inference.PartCall, &inference.Call{}, "{}"
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "id":
			return v.Text(&r.Call.ID)
		case "name":
			return v.Text(&r.Call.Name)
		case "args":
			args, err := v.Object()
			if len(args) > 0 {
				r.Text = string(args)
			}
			return err
		}
		return nil
	})
	if err == nil && r.Call.Name == "" {
		err = required(v.Path+".name", "A call names its function.")
	}
	return err
}

func (r *rawPart) result(v jsondoc.Value) error {
	r.Kind, r.Result = inference.PartResult, &inference.Result{}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "id":
			return v.Text(&r.Result.ID)
		case "name":
			return v.Text(&r.Result.Name)
		case "response":
			return r.response(v)
		case "parts":
			return v.Elements(func(v jsondoc.Value) error {
				p, err := readPart(v)
				r.Result.Parts = append(r.Result.Parts, p.Part)
				return err
			})
		}
		return nil
	})
	if err == nil && r.Result.Name == "" {
		err = required(v.Path+".name", "A function's response names the function.")
	}
	return err
}

// response reads what a function returned. {"result":…} and {"error":…} are how texts are wrapped, because Google wants an
// object; any other object is the text of its JSON.
func (r *rawPart) response(v jsondoc.Value) error {
	raw, err := v.Object()
	if err != nil || len(raw) == 0 {
		return err
	}
	text, failed := unwrap(v)
	r.Result.Error = failed
	r.Result.Parts = append([]inference.Part{{Text: text, Path: v.Path}}, r.Result.Parts...)
	return nil
}

func unwrap(v jsondoc.Value) (text string, failed bool) {
	members, only := 0, jsondoc.Value{}
	name := ""
	_ = v.Members(func(key string, v jsondoc.Value) error {
		members, name, only = members+1, key, v
		return nil
	})
	if members != 1 || name != "result" && name != "error" {
		return string(v.Raw), false
	}
	if s, err := only.String(); err == nil && only.IsString() {
		return s, name == "error"
	}
	return string(only.Raw), name == "error"
}
