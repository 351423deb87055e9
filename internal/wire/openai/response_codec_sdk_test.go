package openai

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3/packages/respjson"
	"github.com/openai/openai-go/v3/responses"

	"github.com/gantry-ai/gantry/internal/inference"
)

// openAIsOwn tells which programs of OpenAI's the account is in. There are none here.
const openAIsOwn = "access_programs"

// absent lists what OpenAI's own SDK declares to be required and did not find in what it has decoded, by path.
func absent(v reflect.Value, path string) (out []string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return absent(v.Elem(), path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, absent(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case reflect.Struct:
		return absentMembers(v, path)
	default:
	}
	return out
}

func absentMembers(v reflect.Value, path string) (out []string) {
	if variant := v.MethodByName("AsAny"); variant.IsValid() {
		return absent(variant.Call(nil)[0], path)
	}
	found := v.FieldByName("JSON")
	if !found.IsValid() || v.NumField() == 0 {
		return nil
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		meta, isField := found.FieldByName(field.Name), false
		var f respjson.Field
		if meta.IsValid() {
			f, isField = reflect.TypeAssert[respjson.Field](meta)
		}
		if !isField {
			continue
		}
		at := path + "." + name
		_, constant := field.Tag.Lookup("default")
		if f.Raw() == "" && name != openAIsOwn && (constant || field.Tag.Get("api") == "required") {
			out = append(out, at)
		}
		if f.Valid() && f.Raw()[0] != '"' {
			out = append(out, absent(v.Field(i), at)...)
		}
	}
	return out
}

// TestSDKsFindWhatTheyDemand has OpenAI's own client decode answers and streams: every member that it declares to be required
// is there, in events, items and the response.
func TestSDKsFindWhatTheyDemand(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(rounds) {
		d := newDice(seed)
		a, p := d.answer(), d.prompt()
		stream := encodeResponseStream(countingCodec(), p, d.deltas(a))
		for event := range strings.SplitSeq(strings.TrimSuffix(string(stream), "\n\n"), "\n\n") {
			_, data, _ := strings.Cut(event, "data: ")
			var e responses.ResponseStreamEventUnion
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatalf("%v in %s", err, data)
			}
			seen[e.Type] = true
			if e.AsAny() == nil {
				t.Fatalf("nobody knows %s", e.Type)
			}
			if gone := absent(reflect.ValueOf(e), e.Type); len(gone) > 0 {
				t.Fatalf("seed %d: %v in %s", seed, gone, data)
			}
		}
		whole, err := countingCodec().EncodeAnswer(a, p)
		if err != nil {
			t.Fatal(err)
		}
		var r responses.Response
		if err := json.Unmarshal(whole, &r); err != nil {
			t.Fatalf("%v in %s", err, whole)
		}
		if r.OutputText() != textOf(a) {
			t.Fatalf("seed %d: the client reads %q of %s", seed, r.OutputText(), whole)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d types of events were told: %v", len(seen), seen)
	}
}

func textOf(a *inference.Answer) string {
	var b strings.Builder
	for _, p := range a.Candidates[0].Parts {
		if p.Kind == inference.PartText {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}
