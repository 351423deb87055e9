package simulation

import (
	"math/rand/v2"
	"strings"
	"unicode"
)

// writer makes text about a prompt, in the prompt's language.
type writer struct {
	source *rand.Rand
	prompt string
	words  []string // of the prompt, worth repeating
	book   *phrases
}

// phrases are what a language has to say; %s is a word of the prompt.
type phrases struct {
	opening, body, closing, thinking []string
	nothing                          string // the subject of an empty prompt
	quote                            [2]string
	space                            string
	report                           string
}

var english = &phrases{
	opening: []string{
		"You asked about %s, so let us look at it step by step.", "Here is a short answer about %s.",
		"There is more to %s than it seems at first.", "A good way to begin with %s is to say what it is for.",
	},
	body: []string{
		"The first thing to know about %s is where it comes from.", "Most people meet %s long before they have a name for it.",
		"In practice, %s works best when it is kept simple.", "Three questions help: what is %s, who needs it, and what does it cost?",
		"Compared with its alternatives, %s is easy to change later.", "It is worth testing %s on a small example before relying on it.",
		"When %s fails, the reason is nearly always an assumption that nobody wrote down.", "With %s, small steps that are measured beat large ones that are guessed.",
	},
	closing: []string{
		"In short, begin with %s and change one thing at a time.", "That is the heart of %s; the rest is detail.",
		"If you tell me more about %s, the answer can be more exact.",
	},
	thinking: []string{
		"The question is about %s.", "What matters about %s is the purpose behind it.", "Let me check what is known about %s.",
		"One objection about %s would be the cost.", "So the answer should begin with %s.",
	},
	nothing: "your question", quote: [2]string{"“", "”"}, space: " ",
	report: "The tool answered %s, which settles the question about %t.",
}

var chinese = &phrases{
	opening: []string{"您问到了%s,我们一步一步来看。", "关于%s,先给出一个简短的回答。", "说到%s,它比看上去更有内容。", "了解%s,最好先弄清它的用途。"},
	body: []string{
		"首先要知道%s从何而来。", "很多人早就接触过%s,只是叫不出它的名字。", "在实践中,%s越简单越好用。", "可以先问三个问题:%s是什么,谁需要它,成本是多少?",
		"与其他方案相比,%s以后更容易调整。", "在依赖%s之前,值得先用一个小例子验证。", "%s出问题时,原因几乎总是某个没有写下来的假设。", "对于%s,可以衡量的小步胜过凭猜测的大步。",
	},
	closing:  []string{"总之,从%s入手,每次只改变一件事。", "这就是%s的核心,其余都是细节。", "如果您能多说一些关于%s的情况,回答可以更准确。"},
	thinking: []string{"这个问题是关于%s的。", "关于%s,重要的是它背后的目的。", "先核对一下关于%s已知的内容。", "对%s的一个疑虑是成本。", "所以回答应当从%s开始。"},
	nothing:  "您的问题", quote: [2]string{"「", "」"},
	report: "工具返回了%s,关于%t的问题就有了答案。",
}

func newWriter(source *rand.Rand, prompt string) *writer {
	w := &writer{source: source, prompt: prompt, book: english}
	if strings.ContainsFunc(prompt, isHan) {
		w.book = chinese
	}
	w.words = keywords(prompt)
	return w
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

var idle = map[string]bool{
	"about": true, "after": true, "also": true, "could": true, "does": true, "from": true, "have": true, "into": true, "just": true,
	"like": true, "make": true, "please": true, "should": true, "some": true, "tell": true, "that": true, "their": true, "them": true,
	"then": true, "there": true, "these": true, "they": true, "this": true, "what": true, "when": true, "where": true, "which": true,
	"describe": true, "explain": true, "介绍": true, "解释": true, "说明": true, "问题": true, "告诉": true, "帮助": true,
	"will": true, "with": true, "would": true, "write": true, "your": true,
}

// fillers are Chinese characters at which a run is no longer one word.
const fillers = "的了吗呢吧啊是在和与及或把被请我你您他她它们这那哪什么怎样如何为以对就都也很给让说写个一些用下"

// keywords are the longer words of a prompt: between four and twenty letters, or two to eight Chinese characters.
func keywords(prompt string) (out []string) {
	seen := map[string]bool{}
	fields := strings.FieldsFunc(firstRunes(prompt, 2000), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) || strings.ContainsRune(fillers, r)
	})
	for _, f := range fields {
		n := len([]rune(f))
		long := n >= 4 && n <= 20
		if strings.ContainsFunc(f, isHan) {
			long = n >= 2 && n <= 8
		}
		if long && !idle[strings.ToLower(f)] && !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	return out
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// keyword is a word of the prompt.
func (w *writer) keyword() string {
	if len(w.words) == 0 {
		return w.book.nothing
	}
	return w.words[w.source.IntN(len(w.words))]
}

// subject is the prompt itself, shortened, in quotation marks.
func (w *writer) subject() string {
	text := strings.Join(strings.Fields(w.prompt), " ")
	if text == "" {
		return w.book.nothing
	}
	if short := firstRunes(text, 40); short != text {
		text = short + "…"
	}
	return w.book.quote[0] + text + w.book.quote[1]
}

func (w *writer) pick(from []string, word string) string {
	return strings.ReplaceAll(from[w.source.IntN(len(from))], "%s", word)
}

// sentence is one sentence about a word of the prompt.
func (w *writer) sentence() string { return w.pick(w.book.body, w.keyword()) }

// text is an answer of a few sentences, no two of them alike.
func (w *writer) text() string {
	sentences := []string{w.pick(w.book.opening, w.subject())}
	for _, i := range w.source.Perm(len(w.book.body))[:2+w.source.IntN(4)] {
		sentences = append(sentences, strings.ReplaceAll(w.book.body[i], "%s", w.keyword()))
	}
	sentences = append(sentences, w.pick(w.book.closing, w.keyword()))
	return strings.Join(sentences, w.book.space)
}

// report answers with what a tool said.
func (w *writer) report(result string) string {
	result = strings.Join(strings.Fields(result), " ")
	if short := firstRunes(result, 200); short != result {
		result = short + "…"
	}
	return strings.NewReplacer("%s", w.book.quote[0]+result+w.book.quote[1], "%t", w.keyword()).Replace(w.book.report)
}

// thought is thinking of exactly n tokens.
func (w *writer) thought(n int) (out []string) {
	for len(out) < n {
		text := w.pick(w.book.thinking, w.keyword())
		if len(out) > 0 {
			text = w.book.space + text
		}
		out = append(out, cut(text)...)
	}
	return out[:n]
}
