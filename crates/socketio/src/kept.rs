//! Values kept with a socket or a connection, one of each type.

use crate::lock;
use std::{
    any::{Any, TypeId},
    fmt,
    sync::{Arc, Mutex},
};

/// A few values by their type; nothing is allocated while there are none.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<(TypeId, Arc<dyn Any + Send + Sync>)>>);

impl Kept {
    pub fn insert<T: Any + Send + Sync>(&self, value: T) {
        let mut kept = lock(&self.0);
        kept.retain(|(kind, _)| *kind != TypeId::of::<T>());
        kept.reserve_exact(1);
        kept.push((TypeId::of::<T>(), Arc::new(value)));
    }

    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let kept = lock(&self.0);
        let (_, value) = kept.iter().find(|(kind, _)| *kind == TypeId::of::<T>())?;
        value.clone().downcast().ok()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", lock(&self.0).len())
    }
}
