#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub use bitfab_compile as compile;
pub use bitfab_data as data;
pub use bitfab_format as format;
pub use bitfab_graph as graph;
pub use bitfab_hdl as hdl;
pub use bitfab_import as import;
pub use bitfab_report as report;
pub use bitfab_sim as sim;
pub use bitfab_train as train;
