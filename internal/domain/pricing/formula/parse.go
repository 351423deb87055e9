package formula

import (
	"math/big"
)

// parser reads by recursive descent: choice, comparison, sum, product, sign, atom.
type parser struct {
	lexer
	meters []Meter
	used   []bool
	look   token
	nodes  int
	depth  int
}

func (p *parser) program() (*node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	root, err := p.choice()
	if err != nil {
		return nil, err
	}
	if p.look.kind != end {
		return nil, p.unexpected()
	}
	return root, p.want(root, false)
}

func (p *parser) advance() (err error) {
	p.look, err = p.next()
	return err
}

// accept takes an operator if it is the next token.
func (p *parser) accept(op string) (bool, error) {
	if p.look.kind != operator || p.look.text != op {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expect(op string) error {
	ok, err := p.accept(op)
	if err == nil && !ok {
		err = &Error{Offset: p.look.at, Message: "here " + op + " is expected"}
	}
	return err
}

func (p *parser) unexpected() error {
	if p.look.kind == end {
		return &Error{Offset: p.look.at, Message: "the formula breaks off"}
	}
	return &Error{Offset: p.look.at, Message: p.look.text + " is not expected here"}
}

// want refuses a condition where a number is needed, and the reverse.
func (p *parser) want(n *node, condition bool) error {
	switch {
	case n.bool() == condition:
		return nil
	case condition:
		return &Error{Offset: n.at, Message: "a condition is needed here, such as a < b"}
	default:
		return &Error{Offset: n.at, Message: "a number is needed here, not a condition"}
	}
}

// make counts and links a node whose operands must be numbers.
func (p *parser) make(kind nodeKind, at int, operands ...*node) (*node, error) {
	for _, o := range operands {
		if err := p.want(o, false); err != nil {
			return nil, err
		}
	}
	return p.count(&node{kind: kind, at: at, operands: operands})
}

func (p *parser) count(n *node) (*node, error) {
	if p.nodes++; p.nodes > MaxNodes {
		return nil, &Error{Offset: n.at, Message: "the formula has too many parts", Limit: true}
	}
	return n, nil
}

func (p *parser) choice() (*node, error) {
	if p.depth++; p.depth > MaxDepth {
		return nil, &Error{Offset: p.look.at, Message: "the formula is nested too deeply", Limit: true}
	}
	defer func() { p.depth-- }()
	condition, err := p.comparison()
	if err != nil {
		return nil, err
	}
	at := p.look.at
	if ok, err := p.accept("?"); !ok {
		return condition, err
	}
	if err := p.want(condition, true); err != nil {
		return nil, err
	}
	yes, err := p.choice()
	if err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	no, err := p.choice()
	if err != nil {
		return nil, err
	}
	for _, branch := range []*node{yes, no} {
		if err := p.want(branch, false); err != nil {
			return nil, err
		}
	}
	return p.count(&node{kind: choice, at: at, operands: []*node{condition, yes, no}})
}

var comparisons = map[string]nodeKind{
	"<": less, "<=": lessEqual, ">": greater, ">=": greaterEqual, "==": equal, "!=": unequal,
}

func (p *parser) comparison() (*node, error) {
	left, err := p.chain(sums, p.product)
	if err != nil {
		return nil, err
	}
	kind, ok := comparisons[p.look.text]
	if !ok {
		return left, nil
	}
	at := p.look.at
	if err := p.advance(); err != nil {
		return nil, err
	}
	right, err := p.chain(sums, p.product)
	if err != nil {
		return nil, err
	}
	return p.make(kind, at, left, right)
}

var (
	sums     = map[string]nodeKind{"+": add, "-": subtract}
	products = map[string]nodeKind{"*": multiply, "×": multiply, "/": divide, "÷": divide}
)

func (p *parser) product() (*node, error) { return p.chain(products, p.sign) }

// chain reads operands joined by operators of one rank, from left to right.
func (p *parser) chain(kinds map[string]nodeKind, operand func() (*node, error)) (*node, error) {
	left, err := operand()
	for err == nil {
		kind, ok := kinds[p.look.text]
		if !ok || p.look.kind != operator {
			return left, nil
		}
		at := p.look.at
		if err = p.advance(); err != nil {
			break
		}
		var right *node
		if right, err = operand(); err == nil {
			left, err = p.make(kind, at, left, right)
		}
	}
	return nil, err
}

func (p *parser) sign() (*node, error) {
	at := p.look.at
	ok, err := p.accept("-")
	if err != nil {
		return nil, err
	}
	operand, err := p.atom()
	if err != nil || !ok {
		return operand, err
	}
	return p.make(negate, at, operand)
}

func (p *parser) atom() (*node, error) {
	t := p.look
	switch {
	case t.kind == number:
		v, ok := new(big.Rat).SetString(t.text)
		if !ok {
			return nil, p.unexpected()
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		return p.count(&node{kind: constant, at: t.at, number: v})
	case t.kind == name:
		if err := p.advance(); err != nil {
			return nil, err
		}
		return p.named(t)
	case t.kind == operator && t.text == "(":
		if err := p.advance(); err != nil {
			return nil, err
		}
		inner, err := p.choice()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	default:
		return nil, p.unexpected()
	}
}

// named reads a meter, or a function with its operands.
func (p *parser) named(t token) (*node, error) {
	if f, ok := functions[t.text]; ok && p.look.text == "(" {
		return p.function(t, f)
	}
	for i, m := range p.meters {
		if m.Name == t.text {
			p.used[i] = true
			return p.count(&node{kind: meter, at: t.at, index: i, condition: m.Bool})
		}
	}
	return nil, &Error{Offset: t.at, Message: "there is no meter named " + t.text}
}

func (p *parser) function(t token, kind nodeKind) (*node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	var operands []*node
	for {
		o, err := p.choice()
		if err != nil {
			return nil, err
		}
		operands = append(operands, o)
		more, err := p.accept(",")
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	n, err := p.make(kind, t.at, operands...)
	if err != nil {
		return nil, err
	}
	return n, n.checkArity()
}
