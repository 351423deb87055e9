package openai

import (
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

func TestBadRequestsNameTheField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, code, path string }{
		{`{"model":"m"`, "invalid_json", ""},
		{`[]`, "invalid_json", ""},
		{`{"model":"m","input":"a","input":"b"}`, "duplicate_key", "input"},
		{`{"model":"m","Input":"a"}`, "invalid_parameter", "input"},
		{`{"model":"m"}`, "invalid_parameter", "input"},
		{`{"model":"m","input":3}`, "invalid_parameter", "input"},
		{`{"model":3,"input":"a"}`, "invalid_parameter", "model"},
		{`{"input":"a","stream":"yes"}`, "invalid_parameter", "stream"},
		{`{"input":"a","temperature":"1"}`, "invalid_parameter", "temperature"},
		{`{"input":"a","max_output_tokens":-1}`, "invalid_parameter", "max_output_tokens"},
		{`{"input":"a","metadata":[]}`, "invalid_parameter", "metadata"},
		{`{"input":"a","conversation":{}}`, "invalid_parameter", "conversation.id"},
		{`{"input":"a","a.b":1}`, "invalid_parameter", "a.b"},
		{`{"input":["a"]}`, "invalid_parameter", "input[0]"},
		{`{"input":[{"content":"a"}]}`, "invalid_parameter", "input[0].type"},
		{`{"input":[{"role":"judge","content":"a"}]}`, "invalid_parameter", "input[0].role"},
		{`{"input":[{"role":"user","content":5}]}`, "invalid_parameter", "input[0].content"},
		{`{"input":[{"role":"user","content":["a"]}]}`, "invalid_parameter", "input[0].content[0]"},
		{`{"input":[{"role":"user","content":[{"text":"a"}]}]}`, "invalid_parameter", "input[0].content[0].type"},
		{`{"input":[{"role":"user","content":[{"type":"input_text","text":1}]}]}`, "invalid_parameter", "input[0].content[0].text"},
		{`{"input":[{"role":"user","content":[{"type":"input_image"}]}]}`, "invalid_parameter", "input[0].content[0].image_url"},
		{`{"input":[{"role":"user","content":[{"type":"input_file"}]}]}`, "invalid_parameter", "input[0].content[0].file_data"},
		{`{"input":[{"role":"user","content":"\ud800"}]}`, "invalid_parameter", "input[0].content"},
		{`{"input":[{"type":"function_call","name":"f","arguments":"{}"}]}`, "invalid_parameter", "input[0].call_id"},
		{`{"input":[{"type":"function_call","call_id":"c","arguments":"{}"}]}`, "invalid_parameter", "input[0].name"},
		{`{"input":[{"type":"function_call_output","output":"a"}]}`, "invalid_parameter", "input[0].call_id"},
		{`{"input":[{"type":"reasoning","summary":"a"}]}`, "invalid_parameter", "input[0].summary"},
		{`{"input":[{"role":"user","content":"a","x[0]":1}]}`, "invalid_parameter", "input[0].x[0]"},
		{`{"input":"a","tools":{}}`, "invalid_parameter", "tools"},
		{`{"input":"a","tools":["f"]}`, "invalid_parameter", "tools[0]"},
		{`{"input":"a","tools":[{"type":"function"}]}`, "invalid_parameter", "tools[0].name"},
		{`{"input":"a","tools":[{"type":"function","name":"f","parameters":"{}"}]}`, "invalid_parameter", "tools[0].parameters"},
		{`{"input":"a","tools":[{"type":"custom","name":"f","format":{"type":"grammar"}}]}`, "invalid_parameter", "tools[0].format.syntax"},
		{`{"input":"a","tools":[{"type":"custom","name":"f","format":{"type":"ebnf"}}]}`, "invalid_parameter", "tools[0].format.type"},
		{`{"input":"a","tool_choice":"maybe"}`, "invalid_parameter", "tool_choice"},
		{`{"input":"a","tool_choice":{"type":"function"}}`, "invalid_parameter", "tool_choice.name"},
		{`{"input":"a","tool_choice":{"type":"allowed_tools","tools":[1]}}`, "invalid_parameter", "tool_choice.tools[0]"},
		{`{"input":"a","text":{"format":{"type":"json_schema","schema":{}}}}`, "invalid_parameter", "text.format.name"},
		{`{"input":"a","text":{"format":{"type":"json_schema","name":"n"}}}`, "invalid_parameter", "text.format.schema"},
		{`{"input":"a","reasoning":"high"}`, "invalid_parameter", "reasoning"},
		{`{"input":"a","include":[1]}`, "invalid_parameter", "include[0]"},
	} {
		_, err := ResponsesCodec.DecodeRequest([]byte(c.body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != c.code || f.Path != c.path || f.Status != 400 {
			t.Errorf("%s: got %v, want %s at %q", c.body, err, c.code, c.path)
		}
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `<html>`, `null`, `[]`, `{}`, `{"output":null}`, `{"output":{}}`, `{"choices":[]}`,
		`{"status":"failed","output":[],"error":{"code":"server_error","message":"m"}}`,
		`{"status":"queued","output":[]}`, `{"status":"in_progress","output":[]}`, `{"status":"cancelled","output":[]}`,
		`{"error":{"message":"m"},"output":[]}`,
	} {
		if a, err := ResponsesCodec.DecodeAnswer([]byte(body)); err == nil {
			t.Errorf("%s: got %+v", body, a)
		}
	}
}
