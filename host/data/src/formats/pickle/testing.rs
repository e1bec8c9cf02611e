//! Writes small pickles of protocol 2, as `NumPy` and pandas do, for tests.

/// A pickle in the making.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn new() -> Self {
        Self { bytes: vec![0x80, 2] }
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(b'.');
        self.bytes
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn mark(&mut self) {
        self.raw(b"(");
    }

    pub fn tuple(&mut self) {
        self.raw(b"t");
    }

    pub fn mark_list(&mut self) {
        self.raw(b"](");
    }

    pub fn appends(&mut self) {
        self.raw(b"e");
    }

    pub fn int(&mut self, value: i64) {
        self.raw(format!("I{value}\n").as_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.raw(b"X");
        self.raw(&(text.len() as u32).to_le_bytes());
        self.raw(text.as_bytes());
    }

    pub fn name(&mut self, module: &str, name: &str) {
        self.raw(format!("c{module}\n{name}\n").as_bytes());
    }

    pub fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.mark_list();
        items.iter().for_each(|item| write(self, item));
        self.appends();
    }

    pub fn dict<T>(&mut self, entries: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.raw(b"}(");
        entries.iter().for_each(|entry| write(self, entry));
        self.raw(b"u");
    }

    pub fn text_dict(&mut self, keys: &[&str], mut write: impl FnMut(&mut Self, &str)) {
        self.dict(keys, |writer, key| {
            writer.text(key);
            write(writer, key);
        });
    }

    /// An object of a class whose state `write` leaves.
    pub fn instance(&mut self, module: &str, class: &str, write: impl FnOnce(&mut Self)) {
        self.name("copy_reg", "_reconstructor");
        self.mark();
        self.name(module, class);
        self.name("__builtin__", "object");
        self.raw(b"Nt");
        self.raw(b"R");
        write(self);
        self.raw(b"b");
    }

    /// An index of names.
    pub fn index(&mut self, names: &[&str]) {
        self.name("pandas.core.indexes.base", "_new_Index");
        self.name("pandas.core.indexes.base", "Index");
        self.text_dict(&["data"], |writer, _| {
            writer.array_head(&[names.len()], "O8", "|");
            writer.list(names, |writer, name| writer.text(name));
            writer.raw(b"tb");
        });
        self.raw(b"\x86R");
    }

    /// Columns of a table at `places`.
    pub fn block(&mut self, shape: &[usize], kind: &str, values: &[u64], places: [i64; 3]) {
        self.text_dict(&["values", "mgr_locs"], |writer, key| match key {
            "values" => writer.array(shape, kind, values),
            _ => {
                writer.name("__builtin__", "slice");
                places.iter().for_each(|&place| writer.int(place));
                writer.raw(b"\x87R");
            }
        });
    }

    /// An array without axes that holds one object.
    pub fn object_array(&mut self, write: impl FnOnce(&mut Self)) {
        self.array_head(&[], "O8", "|");
        self.raw(b"]");
        write(self);
        self.raw(b"atb");
    }

    /// An array of numbers by their bits.
    pub fn array(&mut self, shape: &[usize], kind: &str, values: &[u64]) {
        self.array_head(shape, kind, "<");
        self.name("_codecs", "encode");
        let text: String = values.iter().flat_map(|value| value.to_le_bytes()).map(char::from).collect();
        self.text(&text);
        self.text("latin1");
        self.raw(b"\x86Rtb");
    }

    /// All of an array up to its values; `tb` ends it.
    fn array_head(&mut self, shape: &[usize], kind: &str, order: &str) {
        self.name("numpy.core.multiarray", "_reconstruct");
        self.name("numpy", "ndarray");
        self.raw(b"K\0\x85");
        self.text("b");
        self.raw(b"\x87R(K\x01(");
        shape.iter().for_each(|&size| self.int(size as i64));
        self.tuple();
        self.name("numpy", "dtype");
        self.text(kind);
        self.raw(b"K\0K\x01\x87R(K\x03");
        self.text(order);
        self.raw(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89");
    }
}
