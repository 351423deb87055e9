package jsonscan

// Iterator walks over the members of an object or the elements of an array. It checks what it walks over and allocates
// nothing.
//
//	for it := Members(text); it.Next(); { … it.Key, it.Value … }
type Iterator struct {
	// Key is the inside of the member's key as it is written, with its escapes; nil in an array.
	Key []byte
	// Value is the value's bytes.
	Value []byte
	// Err is an *Error when the text is not what it should be; Next then returns false.
	Err error

	s       scanner
	closing byte
	state   int8
}

const (
	fresh = iota
	between
	done
)

// Members walks over text, which begins with an object; what follows the object is not looked at.
func Members(text []byte) Iterator { return Iterator{s: scanner{b: text}, closing: '}'} }

// Elements walks over text, which begins with an array; what follows the array is not looked at.
func Elements(text []byte) Iterator { return Iterator{s: scanner{b: text}, closing: ']'} }

// AnyElements walks over the elements of value, and over nothing where that is absent or no array.
func AnyElements(value []byte) Iterator {
	if len(value) == 0 || value[0] != '[' {
		value = []byte("[]")
	}
	return Elements(value)
}

// AnyMembers walks over the members of value, and over nothing where that is absent or no object.
func AnyMembers(value []byte) Iterator {
	if len(value) == 0 || value[0] != '{' {
		value = []byte("{}")
	}
	return Members(value)
}

// Next advances to the next member or element; false at the end and on an error.
func (it *Iterator) Next() bool {
	more := it.state != done && it.more()
	if more && it.closing == '}' {
		more = it.member()
	} else if more {
		more = it.element()
	}
	if !more {
		it.state, it.Key, it.Value = done, nil, nil
	}
	return more
}

// more steps over the opening bracket or the comma.
func (it *Iterator) more() (more bool) {
	if it.state == between {
		more, it.Err = it.s.another(it.closing)
		return more
	}
	it.state = between
	it.s.space()
	if it.s.peek() != it.closing-2 { // '{' and '[' stand two before their closing brackets
		it.Err = it.s.fail(ErrType)
		return false
	}
	it.s.i++
	it.s.space()
	return it.s.peek() != it.closing
}

func (it *Iterator) member() bool {
	var key, value Field
	if key, value, it.Err = it.s.member(1); it.Err != nil {
		return false
	}
	it.Key, it.Value = it.s.b[key.Start+1:key.End-1], value.In(it.s.b)
	return true
}

func (it *Iterator) element() bool {
	it.s.space()
	from := it.s.i
	if it.Err = it.s.value(1); it.Err != nil {
		return false
	}
	it.Value = it.s.b[from:it.s.i]
	return true
}
