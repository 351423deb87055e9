package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

func (d *chatDecoder) tool(v jsondoc.Value) error {
	var kind string
	var inner jsondoc.Value
	var cache *inference.CacheMark
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "type":
			return v.Text(&kind)
		case "function", "custom":
			inner = v
		case "cache_control":
			cache, err = cacheMark(v)
		}
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case kind == "function" || kind == "" && inner.Given():
		err = d.function(inner, v)
	case kind == "custom":
		err = d.custom(inner, v)
	default:
		rest := chatRest(v)
		d.p.Tools = append(d.p.Tools, inference.Tool{Server: inference.ServerOther, Other: &rest, Path: v.Path})
	}
	if err == nil && cache != nil {
		d.p.Tools[len(d.p.Tools)-1].Cache = cache
	}
	return err
}

// function reads the description of a function; whole is what it is described in, for the path.
func (d *chatDecoder) function(v, whole jsondoc.Value) error {
	t := inference.Tool{Path: whole.Path}
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "name":
			return v.Text(&t.Name)
		case "description":
			return v.Text(&t.Description)
		case "parameters":
			t.Schema, err = v.Object()
		case "strict":
			return v.MaybeTruth(&t.Strict)
		}
		return err
	})
	if err == nil && t.Name == "" {
		err = required(whole.Path, "A function needs a name.")
	}
	d.p.Tools = append(d.p.Tools, t)
	return err
}

func (d *chatDecoder) custom(v, whole jsondoc.Value) error {
	t := inference.Tool{Custom: true, Path: whole.Path}
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "name":
			return v.Text(&t.Name)
		case "description":
			return v.Text(&t.Description)
		case "format":
			t.Grammar, err = v.Object()
		}
		return err
	})
	if err == nil && t.Name == "" {
		err = required(whole.Path, "A custom tool needs a name.")
	}
	d.p.Tools = append(d.p.Tools, t)
	return err
}

// toolModes are the choices that are one word.
var toolModes = map[string]inference.ToolMode{
	"auto": inference.ToolsAuto, "none": inference.ToolsNone, "required": inference.ToolsRequired,
}

func (d *chatDecoder) choice(v jsondoc.Value) error {
	c := &d.p.Choice
	if v.IsString() {
		word, err := v.String()
		if err != nil {
			return err
		}
		mode, known := toolModes[word]
		if !known {
			return required(v.Path, "Expected auto, none, required or a tool.")
		}
		c.Mode = mode
		return nil
	}
	c.Mode = inference.ToolsRequired
	return v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "name": // of function_call
			return d.chosen(v)
		case "function", "custom":
			return v.Members(func(key string, v jsondoc.Value) error {
				if key == "name" {
					return d.chosen(v)
				}
				return nil
			})
		case "allowed_tools":
			return d.allowed(v)
		}
		return nil
	})
}

func (d *chatDecoder) chosen(v jsondoc.Value) error {
	name, err := v.String()
	d.p.Choice.Names = append(d.p.Choice.Names, name)
	return err
}

// allowed reads {mode, tools}.
func (d *chatDecoder) allowed(v jsondoc.Value) error {
	return v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "mode":
			word, err := v.String()
			d.p.Choice.Mode = toolModes[word]
			return err
		case "tools":
			return v.Elements(func(v jsondoc.Value) error {
				return v.Members(func(key string, v jsondoc.Value) error {
					if key != "function" && key != "custom" {
						return nil
					}
					return v.Members(func(key string, v jsondoc.Value) error {
						if key == "name" {
							return d.chosen(v)
						}
						return nil
					})
				})
			})
		}
		return nil
	})
}

// cacheMark reads a cache_control, which several servers of this protocol understand.
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
