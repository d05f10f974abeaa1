"""Pure values and formats of the lake: no input or output.

- `digest`, `outline`: what bytes are called, and how parts of them are checked
- `uid`, `pattern`: what people call files, the keys of slots, wildcards
- `cbor`: the one encoding of a value
- `record`: what slots hold; `call`: how a file was made; `build`: making and rewriting records
- `edge`, `marker`: what else a repository holds; `wire`: what all stored things share
- `params`, `render`, `key`: the arguments of a call, as identity and for people
- `urls`: URLs without secrets, and links to code
"""
