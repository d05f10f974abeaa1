//! What slots hold, decoded many at a time.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use radops_core::outline::Digest;
use radops_core::record::{self, Contents, Origin, Record, Slot, Tombstone};

use super::calls::detached;
use super::errors::Result;

/// Name, digest, size, and what a directory holds: layout, number of files and bytes of these.
type PyOutput<'py> = (String, Bound<'py, PyBytes>, u64, Option<PyContents<'py>>);
type PyContents<'py> = (Bound<'py, PyBytes>, u64, u64);

/// What a slot holds. A folder has no fields; a tombstone those of the record within.
#[pyclass(frozen, module = "radops._core")]
pub struct DecodedSlot {
    /// `record`, `folder` or `tombstone`.
    #[pyo3(get)]
    kind: &'static str,
    /// When the file was deleted; None unless this is a tombstone.
    #[pyo3(get)]
    deleted_at: Option<String>,
    /// Who deleted it.
    #[pyo3(get)]
    deleted_by: Option<String>,
    /// Whether this is a tombstone of a file that never existed.
    #[pyo3(get)]
    aborted: bool,
    fields: Option<Fields>,
    digest_of_raw: Digest,
}

/// The fields of a record, without the bytes that it was decoded from.
struct Fields {
    digest: Digest,
    size: u64,
    directory: Option<Contents>,
    created_at: String,
    originator: String,
    commit_id: [u8; 16],
    primary: String,
    keeps: Vec<Digest>,
    trees: Vec<(Digest, Digest)>,
    origin: &'static str,
    call_object: Option<Digest>,
    sources: Vec<String>,
    outputs: Vec<(String, Digest, u64, Option<Contents>)>,
}

impl Fields {
    fn new(record: Record<'_>) -> Self {
        let (mut sources, mut outputs, mut call_object) = (Vec::new(), Vec::new(), None);
        let origin = match record.origin {
            Origin::Import => "import",
            Origin::Call(call) => {
                sources = call.sources.into_iter().map(str::to_owned).collect();
                sources.sort_unstable();
                sources.dedup();
                let made = call.outputs.into_iter();
                outputs = made
                    .map(|one| (one.uid.to_owned(), one.digest, one.size, one.directory))
                    .collect();
                "call"
            }
            Origin::CallObject(digest) => {
                call_object = Some(digest);
                "call object"
            }
            Origin::SharedCall(digest) => {
                call_object = Some(digest);
                "shared call"
            }
        };
        Self {
            digest: record.digest,
            size: record.size,
            directory: record.directory,
            created_at: record.created_at.to_owned(),
            originator: record.originator.to_owned(),
            commit_id: record.commit_id,
            primary: format!("refs/{}", record.primary.key()),
            keeps: record.keeps,
            trees: record.trees,
            origin,
            call_object,
            sources,
            outputs,
        }
    }
}

impl DecodedSlot {
    fn new(slot: Slot<'_>, digest_of_raw: Digest) -> Self {
        let (mut deleted_at, mut deleted_by, mut aborted) = (None, None, false);
        let (kind, fields) = match slot {
            Slot::File(record) => ("record", Some(Fields::new(record))),
            Slot::Folder => ("folder", None),
            Slot::Tombstone(Tombstone {
                record,
                deleted_at: when,
                originator,
                aborted: given_up,
            }) => {
                (deleted_at, deleted_by) = (Some(when.to_owned()), Some(originator.to_owned()));
                aborted = given_up;
                ("tombstone", Some(Fields::new(record)))
            }
        };
        Self {
            kind,
            deleted_at,
            deleted_by,
            aborted,
            fields,
            digest_of_raw,
        }
    }

    fn fields(&self) -> PyResult<&Fields> {
        let none = || PyValueError::new_err("a folder has no fields");
        self.fields.as_ref().ok_or_else(none)
    }
}

#[pymethods]
impl DecodedSlot {
    /// The digest of the stored bytes.
    #[getter]
    fn record_digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.digest_of_raw)
    }

    #[getter]
    fn digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.fields()?.digest))
    }

    #[getter]
    fn size(&self) -> PyResult<u64> {
        Ok(self.fields()?.size)
    }

    /// Layout, number of files and bytes of these; None for a file.
    #[getter]
    fn directory<'py>(&self, py: Python<'py>) -> PyResult<Option<PyContents<'py>>> {
        Ok(self.fields()?.directory.map(|one| contents(py, one)))
    }

    #[getter]
    fn created_at(&self) -> PyResult<&str> {
        Ok(&self.fields()?.created_at)
    }

    #[getter]
    fn originator(&self) -> PyResult<&str> {
        Ok(&self.fields()?.originator)
    }

    #[getter]
    fn commit_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.fields()?.commit_id))
    }

    /// The key of the slot that commits.
    #[getter]
    fn primary(&self) -> PyResult<&str> {
        Ok(&self.fields()?.primary)
    }

    #[getter]
    fn keeps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let keeps = self.fields()?.keeps.iter();
        PyTuple::new(
            py,
            keeps.map(|one| PyBytes::new(py, one)).collect::<Vec<_>>(),
        )
    }

    /// Root and layout of each directory that the record keeps.
    #[getter]
    fn trees<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let pairs = self.fields()?.trees.iter();
        let pair =
            |(root, layout): &(Digest, Digest)| (PyBytes::new(py, root), PyBytes::new(py, layout));
        PyTuple::new(py, pairs.map(pair).collect::<Vec<_>>())
    }

    /// `import`, `call`, `call object` or `shared call`.
    #[getter]
    fn origin(&self) -> PyResult<&str> {
        Ok(self.fields()?.origin)
    }

    /// The object with the call.
    #[getter]
    fn call_object<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let digest = self.fields()?.call_object;
        Ok(digest.map(|digest| PyBytes::new(py, &digest)))
    }

    /// Names of the files that the call in the record was given or opened, sorted, each once.
    #[getter]
    fn sources(&self) -> PyResult<Vec<String>> {
        Ok(self.fields()?.sources.clone())
    }

    /// What the call in the record made.
    #[getter]
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Vec<PyOutput<'py>>> {
        let outputs = self.fields()?.outputs.iter();
        let output = |(uid, digest, size, directory): &(String, Digest, u64, Option<Contents>)| {
            let digest = PyBytes::new(py, digest);
            let directory = directory.map(|one| contents(py, one));
            (uid.clone(), digest, *size, directory)
        };
        Ok(outputs.map(output).collect())
    }
}

fn contents(py: Python<'_>, one: Contents) -> PyContents<'_> {
    (PyBytes::new(py, &one.layout), one.files, one.bytes)
}

/// Decode what many slots hold: for each its bytes and the name whose slot was read.
#[pyfunction]
#[pyo3(signature = (slots, *, threads = 0))]
pub fn decode_slots<'py>(
    py: Python<'py>,
    slots: Vec<(Bound<'py, PyBytes>, String)>,
    threads: usize,
) -> Result<Bound<'py, PyList>> {
    let items: Vec<_> = slots
        .iter()
        .map(|(raw, uid)| (raw.as_bytes(), uid.as_str()))
        .collect();
    let decoded = detached(py, threads, None, |call| {
        record::decode_all(&items, call, DecodedSlot::new)
    })??;
    Ok(PyList::new(py, decoded)?)
}
