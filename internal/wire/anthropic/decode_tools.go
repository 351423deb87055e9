package anthropic

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

func (d *decoder) tool(v jsondoc.Value) error {
	t := inference.Tool{Path: v.Path}
	var kind string
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "type":
			return v.Text(&kind)
		case "name":
			return v.Text(&t.Name)
		case "description":
			return v.Text(&t.Description)
		case "input_schema":
			t.Schema, err = v.Object()
		case "strict":
			return v.MaybeTruth(&t.Strict)
		case "cache_control":
			t.Cache, err = cacheMark(v)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case kind == "" || kind == "custom":
		if t.Name == "" {
			return required(v.Path + ".name")
		}
	case strings.HasPrefix(kind, "web_search"):
		t = inference.Tool{Name: t.Name, Server: inference.WebSearch, Other: restOf(v), Path: v.Path}
	default:
		t = inference.Tool{Name: t.Name, Server: inference.ServerOther, Other: restOf(v), Path: v.Path}
	}
	d.p.Tools = append(d.p.Tools, t)
	return nil
}

var toolModes = map[string]inference.ToolMode{
	"auto": inference.ToolsAuto, "any": inference.ToolsRequired, "tool": inference.ToolsRequired, "none": inference.ToolsNone,
}

func (d *decoder) choice(v jsondoc.Value) error {
	var kind, name string
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "type":
			return v.Text(&kind)
		case "name":
			return v.Text(&name)
		case "disable_parallel_tool_use":
			return v.Truth(&d.p.Serial)
		}
		return nil
	})
	mode, ok := toolModes[kind]
	switch {
	case err != nil:
		return err
	case !ok:
		return invalid(v.Path+".type", "Expected auto, any, tool or none.")
	case kind == "tool" && name == "":
		return required(v.Path + ".name")
	}
	d.p.Choice.Mode = mode
	if kind == "tool" {
		d.p.Choice.Names = []string{name}
	}
	return nil
}
