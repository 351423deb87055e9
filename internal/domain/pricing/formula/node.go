package formula

import "math/big"

// node is a part of a formula.
type node struct {
	kind      nodeKind
	at        int // where it stands in the text
	number    *big.Rat
	index     int // of a meter
	condition bool
	operands  []*node
}

type nodeKind uint8

const (
	constant nodeKind = iota
	meter
	negate
	add
	subtract
	multiply
	divide
	less
	lessEqual
	greater
	greaterEqual
	equal
	unequal
	choice
	least
	greatest
	ceiling
	tier
)

var functions = map[string]nodeKind{"min": least, "max": greatest, "ceil": ceiling, "tier": tier}

// bool reports whether the node is a condition.
func (n *node) bool() bool { return n.condition || (n.kind >= less && n.kind <= unequal) }

// checkArity checks the number of a function's operands, and that the limits of tier are numbers that rise.
func (n *node) checkArity() error {
	switch count := len(n.operands); {
	case n.kind == ceiling && count != 1:
		return &Error{Offset: n.at, Message: "ceil takes one number"}
	case n.kind != ceiling && count < 2:
		return &Error{Offset: n.at, Message: "this function takes more than one number"}
	case n.kind == tier && (count < 4 || count%2 != 0):
		return &Error{Offset: n.at, Message: "tier takes a number, pairs of a limit and a value, and a last value"}
	case n.kind == tier:
		return n.checkLimits()
	}
	return nil
}

func (n *node) checkLimits() error {
	var before *big.Rat
	for i := 1; i < len(n.operands)-1; i += 2 {
		limit := n.operands[i]
		if limit.kind != constant || (before != nil && limit.number.Cmp(before) <= 0) {
			return &Error{Offset: limit.at, Message: "the limits of tier are numbers, each greater than the one before"}
		}
		before = limit.number
	}
	return nil
}
