package anthropic

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// content reads a text, or a list of blocks.
func (d *decoder) content(v jsondoc.Value) ([]inference.Part, error) {
	if v.IsString() {
		text, err := v.String()
		if text == "" || err != nil {
			return nil, err
		}
		return []inference.Part{{Text: text, Path: v.Path}}, nil
	}
	var out []inference.Part
	err := v.Elements(func(v jsondoc.Value) error {
		p, err := d.block(v)
		if seal := callSealOf(&p); seal != nil {
			sealLastCall(out, seal)
			return err
		}
		out = append(out, p)
		return err
	})
	return out, err
}

// callSealOf is what a part says of the call before it; nil for other parts.
func callSealOf(p *inference.Part) *inference.Seal {
	if p.Kind != inference.PartReasoning || p.Seal == nil || !p.Seal.Whole {
		return nil
	}
	return readCallSeal(p.Seal.Data)
}

func sealLastCall(parts []inference.Part, seal *inference.Seal) {
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].Kind == inference.PartCall {
			parts[i].Seal = seal
			return
		}
	}
}

// block is what is read of one, before it is known what it is.
type block struct {
	kind                               string
	text, thinking, signature, data    string
	id, name, resultOf, title, context string
	input, source, content, cites      jsondoc.Value
	failed                             bool
	cache                              *inference.CacheMark
}

func (b *block) member(key string, v jsondoc.Value) (err error) {
	switch key {
	case "type":
		return v.Text(&b.kind)
	case "text":
		return v.Text(&b.text)
	case "thinking":
		return v.Text(&b.thinking)
	case "signature":
		return v.Text(&b.signature)
	case "id":
		return v.Text(&b.id)
	case "name":
		return v.Text(&b.name)
	case "tool_use_id":
		return v.Text(&b.resultOf)
	case "input":
		b.input = v
	case "source":
		b.source = v
	case "content":
		b.content = v
	case "citations":
		b.cites = v
	case "is_error":
		return v.Truth(&b.failed)
	case "cache_control":
		b.cache, err = cacheMark(v)
	}
	return err
}

// late reads the members whose names mean something else in other blocks.
func (b *block) late(key string, v jsondoc.Value) error {
	switch {
	case key == "data" && b.kind == "redacted_thinking":
		return v.Text(&b.data)
	case key == "title" && b.kind == "document":
		return v.Text(&b.title)
	case key == "context" && b.kind == "document":
		return v.Text(&b.context)
	}
	return nil
}

func (d *decoder) block(v jsondoc.Value) (inference.Part, error) {
	var b block
	p := inference.Part{Path: v.Path}
	if !v.IsObject() {
		return p, invalid(v.Path, "Expected a block.")
	}
	if err := typeOf(v, &b.kind); err != nil {
		return p, err
	}
	if !known[b.kind] {
		p.Kind, p.Other = inference.PartOther, restOf(v)
		return p, nil
	}
	if err := v.Members(b.member); err != nil {
		return p, err
	}
	if err := v.Members(b.late); err != nil {
		return p, err
	}
	p.Cache = b.cache
	return p, d.fill(&p, &b, v)
}

// known are the blocks that the pivot has words for.
var known = map[string]bool{
	"text": true, "image": true, "document": true, "tool_use": true, "tool_result": true, "thinking": true, "redacted_thinking": true,
}

func typeOf(v jsondoc.Value, to *string) error {
	return v.Members(func(key string, v jsondoc.Value) error {
		if key == "type" {
			return v.Text(to)
		}
		return nil
	})
}

func (d *decoder) fill(p *inference.Part, b *block, v jsondoc.Value) (err error) {
	switch b.kind {
	case "text":
		p.Text = b.text
		p.Citations, err = citations(b.cites)
	case "thinking":
		p.Kind, p.Text, p.Seal = inference.PartReasoning, b.thinking, readSeal(b.signature, false)
	case "redacted_thinking":
		p.Kind, p.Seal = inference.PartReasoning, readSeal(b.data, true)
	case "tool_use":
		return d.call(p, b, v)
	case "tool_result":
		return d.result(p, b, v)
	case "image":
		p.Kind = inference.PartImage
		p.Media, err = media(b.source)
	case "document":
		return d.document(p, b, v)
	}
	return err
}

func (d *decoder) call(p *inference.Part, b *block, v jsondoc.Value) error {
	switch {
	case b.id == "":
		return required(v.Path + ".id")
	case b.name == "":
		return required(v.Path + ".name")
	case b.input.Given() && !b.input.IsObject():
		return invalid(b.input.Path, "Expected an object.")
	}
	d.names[b.id] = b.name
	p.Kind, p.Call, p.Text = inference.PartCall, &inference.Call{ID: b.id, Name: b.name}, "{}"
	if b.input.Given() {
		p.Text = string(b.input.Raw)
	}
	return nil
}

func (d *decoder) result(p *inference.Part, b *block, v jsondoc.Value) (err error) {
	if b.resultOf == "" {
		return required(v.Path + ".tool_use_id")
	}
	p.Kind = inference.PartResult
	p.Result = &inference.Result{ID: b.resultOf, Name: d.names[b.resultOf], Error: b.failed}
	if b.content.Given() {
		p.Result.Parts, err = d.content(b.content)
	}
	return err
}

func (d *decoder) document(p *inference.Part, b *block, v jsondoc.Value) (err error) {
	p.Kind = inference.PartDocument
	if p.Media, err = media(b.source); err != nil {
		return err
	}
	if p.Media == nil { // made of blocks
		*p = inference.Part{Kind: inference.PartOther, Other: restOf(v), Path: v.Path}
		return nil
	}
	p.Media.Title, p.Media.Context = b.title, b.context
	return b.cites.Members(func(key string, v jsondoc.Value) error {
		if key == "enabled" {
			return v.Truth(&p.Media.Citations)
		}
		return nil
	})
}

// media reads a source; nil for one that holds blocks.
func media(v jsondoc.Value) (*inference.Media, error) {
	var kind string
	m := &inference.Media{}
	if !v.Given() {
		return nil, required(v.Path + "source")
	}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "type":
			return v.Text(&kind)
		case "media_type":
			return v.Text(&m.Type)
		case "data":
			return v.Text(&m.Data)
		case "url":
			return v.Text(&m.URL)
		case "file_id":
			return v.Text(&m.FileID)
		}
		return nil
	})
	switch {
	case err != nil:
	case kind == "text":
		m.Text = true
	case kind == "content":
		return nil, nil //nolint:nilnil // there is none
	case kind != "base64" && kind != "url" && kind != "file":
		err = invalid(v.Path+".type", "Expected base64, url, text or file.")
	}
	return m, err
}

// citations reads the sources of a text.
func citations(v jsondoc.Value) ([]inference.Citation, error) {
	if !v.IsArray() {
		return nil, nil
	}
	var out []inference.Citation
	err := v.Elements(func(v jsondoc.Value) error {
		c, err := citation(v)
		out = append(out, c)
		return err
	})
	return out, err
}

func citation(v jsondoc.Value) (inference.Citation, error) {
	c := inference.Citation{Other: restOf(v)}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "url":
			return v.Text(&c.URL)
		case "title", "document_title":
			return v.Text(&c.Title)
		}
		return nil
	})
	return c, err
}

func cacheMark(v jsondoc.Value) (*inference.CacheMark, error) {
	if !v.Given() {
		return nil, nil //nolint:nilnil // there is none
	}
	var m inference.CacheMark
	return &m, v.Members(func(key string, v jsondoc.Value) error {
		if key == "ttl" {
			return v.Text(&m.TTL)
		}
		return nil
	})
}
