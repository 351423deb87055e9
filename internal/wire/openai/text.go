package openai

import (
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Text returns what the messages or the input of a request say, one part to a line, at most limit bytes and the rest of
// the part in which they end. Pictures, files and calls of tools are left out.
func (common) Text(body []byte, a *wire.Ask, limit int) string {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	t := texts{limit: limit}
	for it := jsonscan.AnyElements(facts.spans[keyMessages].In(body)); it.Next() && !t.full(); {
		for m := jsonscan.AnyMembers(it.Value); m.Next(); {
			if string(m.Key) == "content" {
				t.content(m.Value)
			}
		}
	}
	t.content(facts.spans[keyInput].In(body))
	return string(t.out)
}

// texts collects the texts of a request.
type texts struct {
	out   []byte
	limit int
}

func (t *texts) full() bool { return len(t.out) >= t.limit }

// content adds a text, or those of a list of texts and parts.
func (t *texts) content(value []byte) {
	if len(value) == 0 || value[0] != '[' {
		t.add(value)
		return
	}
	for it := jsonscan.Elements(value); it.Next() && !t.full(); {
		if it.Value[0] != '{' {
			t.add(it.Value)
			continue
		}
		for m := jsonscan.Members(it.Value); m.Next(); {
			if string(m.Key) == "text" {
				t.add(m.Value)
			}
		}
	}
}

func (t *texts) add(value []byte) {
	s, err := jsonscan.String(value, jsonscan.Field{End: len(value)})
	if err != nil || s == "" || t.full() {
		return
	}
	if len(t.out) > 0 {
		t.out = append(t.out, '\n')
	}
	t.out = append(t.out, s...)
}
