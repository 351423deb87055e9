package openai

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// readLogprobs reads a list of tokens, which chat completions and responses write alike.
func readLogprobs(v jsondoc.Value) ([]inference.Logprob, error) {
	var out []inference.Logprob
	err := v.Elements(func(v jsondoc.Value) error {
		l, err := readLogprob(v)
		out = append(out, l)
		return err
	})
	return out, err
}

func readLogprob(v jsondoc.Value) (l inference.Logprob, err error) {
	err = v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "token":
			return v.Text(&l.Token)
		case "logprob":
			return v.Figure(&l.Value)
		case "bytes":
			return v.Elements(func(v jsondoc.Value) error {
				n, err := v.Int()
				l.Bytes = append(l.Bytes, byte(n)) //nolint:gosec // of an upstream's: bytes
				return err
			})
		case "top_logprobs":
			l.Top, err = readLogprobs(v)
			return err
		}
		return nil
	})
	if string(l.Bytes) == l.Token {
		l.Bytes = nil
	}
	return l, err
}

// choiceLogprobs reads those of a choice, of its content and of its refusal.
func choiceLogprobs(v jsondoc.Value) (content, refusal []inference.Logprob, err error) {
	if !v.IsObject() {
		return nil, nil, nil
	}
	err = v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "content":
			content, err = readLogprobs(v)
		case "refusal":
			refusal, err = readLogprobs(v)
		}
		return err
	})
	return content, refusal, err
}

// likely gives the texts of a kind, of which in an answer of this protocol there is one, their tokens.
func likely(parts []inference.Part, kind inference.PartKind, list []inference.Logprob) {
	for i := range parts {
		if parts[i].Kind == kind {
			parts[i].Logprobs = list
			return
		}
	}
}

// likelyPieces gives the last of the pieces that came at once the tokens that came with them.
func likelyPieces(deltas []inference.Delta, v jsondoc.Value) error {
	if !v.Given() {
		return nil
	}
	content, refusal, err := choiceLogprobs(v)
	for i := range deltas {
		d := &deltas[len(deltas)-1-i]
		if d.Kind == inference.DeltaFragment {
			d.Part.Logprobs = slices.Concat(content, refusal)
			break
		}
	}
	return err
}

func writeLogprobs(w *jsondoc.Writer, list []inference.Logprob) {
	w.Open('[')
	logprobElements(w, list)
	w.Close(']')
}

// logprobElements writes a list without its brackets.
func logprobElements(w *jsondoc.Writer, list []inference.Logprob) {
	for i := range list {
		w.Open('{')
		writeLogprob(w, &list[i])
		w.Key("top_logprobs").Open('[')
		for j := range list[i].Top {
			w.Open('{')
			writeLogprob(w, &list[i].Top[j])
			w.Close('}')
		}
		w.Close(']').Close('}')
	}
}

func writeLogprob(w *jsondoc.Writer, l *inference.Logprob) {
	value := string(l.Value)
	if value == "" {
		value = "0"
	}
	w.Key("token").Str(l.Token).Key("logprob").Raw(value).Key("bytes").Open('[')
	bytes := l.Bytes
	if bytes == nil {
		bytes = []byte(l.Token)
	}
	for _, b := range bytes {
		w.Int(int64(b))
	}
	w.Close(']')
}

// writeChoiceLogprobs writes those of a choice; null where there are none.
func writeChoiceLogprobs(w *jsondoc.Writer, parts []inference.Part) {
	var of [2][]inference.Logprob
	for i := range parts {
		switch parts[i].Kind {
		case inference.PartText:
			of[0] = append(of[0], parts[i].Logprobs...)
		case inference.PartRefusal:
			of[1] = append(of[1], parts[i].Logprobs...)
		default:
		}
	}
	if len(of[0])+len(of[1]) == 0 {
		w.Null()
		return
	}
	w.Open('{')
	for i, name := range [...]string{"content", "refusal"} {
		if w.Key(name); of[i] == nil {
			w.Null()
		} else {
			writeLogprobs(w, of[i])
		}
	}
	w.Close('}')
}
