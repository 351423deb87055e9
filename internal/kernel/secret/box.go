package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

// Errors of opening and of making a Box.
var (
	ErrSealed  = errors.New("secret: cannot be opened with this key for this place")
	ErrKeySize = errors.New("secret: a master key has 32 bytes")
)

// Box seals secrets under a key that is derived from the master key for one purpose, such as "credential".
// Sealed form: version(1) ‖ wrapped data key ‖ nonce ‖ ciphertext. Each secret has a data key of its own, so the master
// key can be changed by wrapping data keys again, without touching what they seal. Source: THREATS, section 1.
type Box struct{ wrap cipher.AEAD }

const (
	version     = 1
	nonceSize   = 12
	tagSize     = 16
	wrappedSize = nonceSize + KeySize + tagSize
)

// NewBox derives the purpose's key from the master key. Error: ErrKeySize.
func NewBox(master []byte, purpose string) (*Box, error) {
	if len(master) != KeySize {
		return nil, ErrKeySize
	}
	key, err := hkdf.Key(sha256.New, master, nil, "gantry/"+purpose, KeySize)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	return &Box{aead}, err
}

// Seal encrypts plain for one place, such as "platform_credential|<id>": moved elsewhere it cannot be opened.
func (b *Box) Seal(plain []byte, place string) ([]byte, error) {
	key := make([]byte, KeySize)
	if _, err := io.ReadFull(rand.Reader, key); err != nil {
		return nil, err
	}
	data, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	out := []byte{version}
	if out, err = seal(b.wrap, out, key, place); err != nil {
		return nil, err
	}
	return seal(data, out, plain, place)
}

// Open decrypts what Seal made for the same place. Error: ErrSealed.
func (b *Box) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) < 1+wrappedSize+nonceSize+tagSize || sealed[0] != version {
		return nil, ErrSealed
	}
	key, err := open(b.wrap, sealed[1:1+wrappedSize], place)
	if err != nil {
		return nil, err
	}
	data, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return open(data, sealed[1+wrappedSize:], place)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func seal(a cipher.AEAD, out, plain []byte, place string) ([]byte, error) {
	nonce := make([]byte, nonceSize)
	if _, err := io.ReadFull(rand.Reader, nonce); err != nil {
		return nil, err
	}
	return a.Seal(append(out, nonce...), nonce, plain, []byte(place)), nil
}

func open(a cipher.AEAD, sealed []byte, place string) ([]byte, error) {
	plain, err := a.Open(nil, sealed[:nonceSize], sealed[nonceSize:], []byte(place))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
