//! The account that the AWS credentials name, as the audit reads it.

use std::io::{self, Read};

use aws::SdkContext;
use aws::live::{
    AuthorizationDetails, CallError, ReadAccountError, cloud, credential_report, session_seconds,
};
use tokio::runtime::Runtime;

/// The account's roles, users and policies, as the AWS CLI would print them: pages one after the
/// other, each asked for when the one before has been read.
pub(crate) struct LiveAccount {
    runtime: Runtime,
    cloud: SdkContext,
    details: AuthorizationDetails,
    page: io::Cursor<Vec<u8>>,
}

impl LiveAccount {
    /// Nothing is asked before the first byte is read.
    ///
    /// # Errors
    ///
    /// The runtime for network calls cannot be set up.
    pub(crate) fn new(profile: Option<&str>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let cloud = runtime.block_on(cloud(profile, None));
        Ok(Self {
            details: AuthorizationDetails::new(&cloud),
            page: io::Cursor::default(),
            runtime,
            cloud,
        })
    }

    /// The credential report as CSV.
    ///
    /// # Errors
    ///
    /// [`ReadAccountError`].
    pub(crate) fn credential_report(&self) -> Result<Vec<u8>, ReadAccountError> {
        self.runtime.block_on(credential_report(&self.cloud))
    }

    /// How long a session of this role may last, in seconds; `None` where IAM does not say.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub(crate) fn session_seconds(&self, role: &str) -> Result<Option<u32>, CallError> {
        let seconds = self.runtime.block_on(session_seconds(&self.cloud, role))?;
        Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()))
    }
}

impl Read for LiveAccount {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.page.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let next = self.runtime.block_on(self.details.next_page());
            match next.map_err(io::Error::other)? {
                Some(page) => self.page = io::Cursor::new(serde_json::to_vec(&page)?),
                None => return Ok(0),
            }
        }
    }
}
