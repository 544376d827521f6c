//! A new migration is compiled in without anybody touching a source file.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
