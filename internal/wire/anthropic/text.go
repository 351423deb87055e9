package anthropic

import (
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Text returns what the system prompt and the messages say, one part to a line, at most limit bytes and the rest of the part
// in which they end. Pictures, documents, thoughts and the input of tools are left out; what tools brought is not.
func (messagesFormat) Text(body []byte, a *wire.Ask, limit int) string {
	f := factsOf(a)
	t := texts{limit: limit}
	t.content(f.spans[keySystem].In(body))
	for it := jsonscan.AnyElements(f.spans[keyMessages].In(body)); it.Next() && !t.full(); {
		for m := jsonscan.AnyMembers(it.Value); m.Next(); {
			if string(m.Key) == "content" {
				t.content(m.Value)
			}
		}
	}
	return string(t.out)
}

// texts collects the texts of a request.
type texts struct {
	out   []byte
	limit int
}

func (t *texts) full() bool { return len(t.out) >= t.limit }

// content adds a text, or those of a list of blocks. Blocks that hold blocks are results of tools.
func (t *texts) content(value []byte) {
	if len(value) == 0 || value[0] != '[' {
		t.add(value)
		return
	}
	for it := jsonscan.Elements(value); it.Next() && !t.full(); {
		for m := jsonscan.AnyMembers(it.Value); m.Next(); {
			switch string(m.Key) {
			case "text":
				t.add(m.Value)
			case "content":
				t.content(m.Value)
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
